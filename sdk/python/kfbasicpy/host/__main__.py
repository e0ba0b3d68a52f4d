"""`python3 -m kfbasicpy.host`: runs one replica's user code for the KFlow runtime, which sends frames to descriptor 3 and
reads frames from descriptor 4.
"""

import sys

# Written for any version of Python, so that an old one can print this message.
if sys.version_info < (3, 9):
    sys.stderr.write("kfbasicpy requires Python 3.9 or newer, got " + sys.version.split()[0] + "\n")
    sys.exit(9)

# Modules in the working directory can be imported, but do not shadow the standard library.
sys.path.append(sys.path.pop(0))

from kfbasicpy.host.session import run_session

if __name__ == "__main__":
    sys.exit(run_session())
