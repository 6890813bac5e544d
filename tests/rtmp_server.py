"""nginx with its RTMP module: what a platform is to the server."""

import os
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests import peers
from tests.demo import free_port
from tests.patience import PATIENCE, eventually


@dataclass
class RtmpServer:
    """nginx-rtmp with applications of the names it is asked for."""

    directory: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary, module = peers.nginx()
        config = self.directory / "nginx.conf"
        applications = "".join(
            f"application {name} {{ live on; wait_key on; wait_video on; }}\n"
            for name in ("one", "two")
        )
        config.write_text(
            f"""
daemon off; master_process off; worker_processes 1;
load_module {module};
pid {self.directory}/nginx.pid;
error_log {self.directory}/error.log info;
events {{ worker_connections 64; }}
rtmp {{ server {{ listen 127.0.0.1:{self.port}; chunk_size 4096;
{applications}
application closed {{ live on; deny publish all; }}
application kept {{
    live on; wait_key on; wait_video on; record all; record_path {self.directory};
}}
}} }}
"""
        )
        self.process = subprocess.Popen(
            [binary, "-p", str(self.directory), "-c", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            except OSError:
                assert self.process.poll() is None, (self.directory / "error.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.02)

    async def plays(self, count: int) -> None:
        """Wait until so many have asked to be played a stream."""
        await eventually(lambda: self.log.count("play: name=") >= count)

    async def finished(self) -> None:
        """Wait until it writes no file any more: what it keeps of streams that ended is whole."""

        def is_writing() -> bool:
            opened = Path(f"/proc/{self.process.pid}/fd").iterdir()
            return any(os.path.realpath(each).endswith(".flv") for each in opened)

        await eventually(lambda: not is_writing())

    @property
    def log(self) -> str:
        """What it has told until now."""
        return (self.directory / "error.log").read_text()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(5)
            self.process = None

    def url(self, application: str) -> str:
        return f"rtmp://127.0.0.1:{self.port}/{application}"
