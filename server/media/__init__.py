"""Media in once, encoded, and out many times. Normative: the media pages of the documents."""
