"""Write the golden vectors beside this module: ``python -m protocol.vectors``."""

import json
from pathlib import Path

from protocol.vectors import vectors

if __name__ == "__main__":
    for name, cases in vectors().items():
        text = json.dumps(cases, ensure_ascii=False, indent=1)
        Path(__file__).with_name(name).write_text(text + "\n", encoding="utf-8")
