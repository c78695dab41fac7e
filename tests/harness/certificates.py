"""Certificates of one's own, as a renewal brings them."""

import os
import subprocess


def make(place, name, hostname="mx.example.org", days=90):
    """place/NAME.pem and place/NAME.key, signed by themselves."""
    certificate, key = place / f"{name}.pem", place / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days),
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{hostname}", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return certificate, key


def link(target, name):
    """A symbolic link in place of what has that name, as certbot makes them."""
    fresh = name.with_suffix(".new")
    os.symlink(target, fresh)
    os.replace(fresh, name)
