"""Write the specification beside this module: ``python -m protocol.spec``."""

import json
from pathlib import Path

from protocol.describe import documents

if __name__ == "__main__":
    for name, document in documents().items():
        text = json.dumps(document, ensure_ascii=False, indent=1)
        Path(__file__).with_name(name).write_text(text + "\n", encoding="utf-8")
