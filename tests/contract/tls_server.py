"""Start a store that accepts TLS only."""

from pathlib import Path
from typing import Any

import redis
import trustme

from hubbub.store.client.address import StoreTls
from tests.support.stores import StoreServer, wait_for


class TlsServer:
    """Debian's Redis with TLS only; the embedded engine is built without."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.authority = trustme.CA()
        certificate = self.authority.issue_cert("localhost")
        ours = self.authority.issue_cert("hubbub")
        self.ca_file = folder / "ca.pem"
        self.cert_file, self.key_file = folder / "client.pem", folder / "client.key"
        cert, key = folder / "server.pem", folder / "server.key"
        self.authority.cert_pem.write_to_path(self.ca_file)
        certificate.cert_chain_pems[0].write_to_path(cert)
        certificate.private_key_pem.write_to_path(key)
        ours.cert_chain_pems[0].write_to_path(self.cert_file)
        ours.private_key_pem.write_to_path(self.key_file)
        self.server = StoreServer("redis", folder)
        self.port = self.server.port
        self.tls = StoreTls(self.ca_file, self.cert_file, self.key_file)
        files = (
            "--tls-cert-file",
            str(cert),
            "--tls-key-file",
            str(key),
            "--tls-ca-cert-file",
            str(self.ca_file),
        )
        self.server.start("--port", "0", "--tls-port", str(self.port), *files, *options, wait=False)
        wait_for(self._answers)

    def command(self, *words: str) -> Any:
        """Run a command by TLS."""
        client = redis.Redis(
            host="localhost",
            port=self.port,
            ssl=True,
            ssl_ca_certs=str(self.ca_file),
            ssl_certfile=str(self.cert_file),
            ssl_keyfile=str(self.key_file),
        )
        try:
            return client.execute_command(*words)  # type: ignore[no-untyped-call]
        finally:
            client.close()

    def _answers(self) -> bool:
        try:
            return bool(self.command("PING"))
        except redis.RedisError:
            return False
