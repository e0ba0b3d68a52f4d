"""`python3 -m kfbasicpy.host.main`: runs one replica's user code for the KFlow runtime, which sends frames to descriptor 3
and reads frames from descriptor 4.

A process that multiprocessing starts runs this module as well, named `__mp_main__`. Its standard modules are not shadowed,
and it can import the function's module.
"""

import sys

# Written for any version of Python, so that an old one can print this message.
if sys.version_info < (3, 9):
    sys.stderr.write("kfbasicpy requires Python 3.9 or newer, got " + sys.version.split()[0] + "\n")
    sys.exit(9)

if __name__ == "__main__":
    # Modules in the working directory can be imported, but do not shadow the standard library.
    sys.path.append(sys.path.pop(0))

    from kfbasicpy.host.session import run_session

    sys.exit(run_session())

if __name__ == "__mp_main__":
    from kfbasicpy.host.function_module import make_importable

    make_importable()
