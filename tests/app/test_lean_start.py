"""What the worker loads before it works: a start is bound by the processor time of its imports."""

import subprocess
import sys

HEAVY = ("fastapi", "pandas", "scipy", "sklearn", "matplotlib", "PIL", "fpdf", "dask", "alembic", "sqlalchemy")


def test_the_worker_loads_no_door_and_no_heavy_library() -> None:
    program = (
        "import sys; from vidik.app.modules import installed_modules; from vidik.app.worker import _parts;"
        "modules = installed_modules(); _parts(modules); [module.periodic() for module in modules]; print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)

    assert set(HEAVY) & set(ran.stdout.split()) == set()
