"""What teachers bring to a class: uploads become slides and media, boards become pictures.

::

    POST uploads ─▶ presigned PUT ─▶ commit (type by content) ─▶ uploads: processing
                                                                     │ SKIP LOCKED
    asset.added ◀─ asset.add in the uploader's name ◀─ Processing ◀──┘
                                                          │ one process per file
                                              slides/<upload>/<n>.webp + text.json

Rendering runs in a process of its own for each file, with limits: whatever a file does to it, the
upload has failed and nothing else has.
"""
