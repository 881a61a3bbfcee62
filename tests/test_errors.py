"""Errors: one tree, each with a message and a way out, the same on both sides of a process border."""

import ast
import inspect
import pickle

import pytest

from docmill import errors
from docmill.errors import DocmillError, PermanentError, SystemicError, TransientError, UsageError

ALL = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, DocmillError)]


@pytest.mark.parametrize("kind", ALL)
def test_error_crosses_a_process_border_whole(kind: type[DocmillError]):
    copy = pickle.loads(pickle.dumps(kind("What happened.", hint="The way out.", pages=(2, 3))))
    assert type(copy) is kind
    assert (copy.message, copy.hint, copy.pages) == ("What happened.", "The way out.", (2, 3))
    assert str(copy) == "What happened. The way out."


def test_message_stands_alone_without_a_hint():
    assert str(DocmillError("What happened.")) == "What happened."


def test_classes_are_apart():
    kinds = [UsageError, PermanentError, TransientError, SystemicError]
    for kind in ALL:
        assert sum(issubclass(kind, each) for each in kinds) == (kind is not DocmillError)


def test_tree_at_the_top_names_every_error():
    tree = ast.get_docstring(ast.parse(inspect.getsource(errors))) or ""
    assert all(kind.__name__ in tree for kind in ALL)


def test_no_error_shadows_a_builtin():
    import builtins

    assert not [kind.__name__ for kind in ALL if hasattr(builtins, kind.__name__)]
