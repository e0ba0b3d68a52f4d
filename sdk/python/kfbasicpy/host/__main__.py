"""`python3 -m kfbasicpy.host SOCKET_PATH`: runs one replica's user code for the KFlow runtime behind the socket."""

import sys

# Kept in words that any Python understands, so that an old one gets this message.
if sys.version_info < (3, 9):
    sys.stderr.write("kfbasicpy needs Python 3.9 or newer, this is " + sys.version.split()[0] + "\n")
    sys.exit(9)

# Modules of the working directory can be imported, but never instead of the standard library's.
sys.path.append(sys.path.pop(0))

from kfbasicpy.host.session import run_session

if __name__ == "__main__":
    sys.exit(run_session(sys.argv[1]))
