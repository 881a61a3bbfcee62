"""Runs the service with uvicorn."""

from __future__ import annotations

import asyncio
import socket
from types import FrameType

import uvicorn

from docmill.logs import log_as_json
from docmill.service.app import create_app
from docmill.service.runner import Runner
from docmill.settings import Settings
from docmill.warm import pools
from docmill.workspace import Workspace


class _Server(uvicorn.Server):
    """Tells those who wait for jobs before it waits for their requests to end."""

    def __init__(self, config: uvicorn.Config, runner: Runner) -> None:
        super().__init__(config)
        self._runner = runner

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The signal to stop has come."""
        self._runner.drain()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Requests, jobs and worker processes have ended: uvicorn dies of the signal then, without an exit."""
        await super().shutdown(sockets)
        await asyncio.to_thread(pools.end)


def serve(settings: Settings, host: str, port: int) -> None:
    """The service answers at host and port until it is told to stop."""
    log_as_json()
    workspace = Workspace(settings)
    app = create_app(workspace)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.service.shutdown_seconds)),
    )
    try:
        _Server(config, app.state.runner).run()
    finally:
        workspace.close()
