"""Makes the virtual environment run this checkout: its folders on the path, its command in bin.

What an editable install would do, without a build back end to fetch.
"""

import stat
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = """#!{python}
import sys

from libs.devstack.cli import app

if __name__ == "__main__":
    sys.exit(app())
"""


def main() -> None:
    """Write the path file and the command."""
    paths = sysconfig.get_paths()
    Path(paths["purelib"], "hearthgate.pth").write_text(f"{ROOT}\n{ROOT / 'libs' / 'stubs'}\n")
    command = Path(paths["scripts"], "hearthgate")
    command.write_text(COMMAND.format(python=sys.executable))
    command.chmod(command.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


if __name__ == "__main__":
    main()
