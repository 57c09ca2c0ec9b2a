"""Which model and libraries the numbers are from."""

from __future__ import annotations


def versions() -> dict[str, str]:
    """Versions of the model and of the libraries whose arithmetic it uses."""
    from importlib.metadata import version
    from platform import python_version

    from sim import __version__

    libraries = ("mesa", "numpy", "numba", "xarray", "pandas", "netCDF4", "pydantic")
    return {
        "laborshift": __version__,
        "python": python_version(),
        **{name: version(name) for name in libraries},
    }
