"""The HTTP service: one process and port for all protocols."""

from docmill.service.app import create_app
from docmill.service.auth import caller
from docmill.service.problems import Problem
from docmill.service.protocol import Protocol
from docmill.service.runner import Context, Handler, Runner, runner_of

__all__ = ["Context", "Handler", "Problem", "Protocol", "Runner", "caller", "create_app", "runner_of"]
