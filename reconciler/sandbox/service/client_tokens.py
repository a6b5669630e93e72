"""Handle repeated ClientTokens in one of three ways, as the `tokens` switch says."""

from reconciler.sandbox.service.context import ServiceContext
from reconciler.sandbox.service.errors import InvalidRequestError
from reconciler.sandbox.service.state import JsonObject, RememberedAnswer


def recall_answer(context: ServiceContext, operation: str, token: str | None, request: JsonObject) -> JsonObject | None:
    """Return the earlier answer for this token, or None if the request must be executed.

    Raises InvalidRequestError if the token belongs to other parameters and the behaviour refuses that.
    """
    if token is None or context.behaviour.tokens == "ignored":
        return None
    entry = context.state.answers.get((operation, token))
    if entry is None or context.clock() - entry.at >= context.behaviour.token_lifetime:
        return None
    if entry.request != request and context.behaviour.tokens == "refuse-mismatch":
        raise InvalidRequestError("The ClientToken was already used with other parameters.")
    return entry.answer


def remember_answer(
    context: ServiceContext, operation: str, token: str | None, request: JsonObject, answer: JsonObject
) -> None:
    """Store the answer for a token, and delete expired tokens."""
    now, lifetime = context.clock(), context.behaviour.token_lifetime
    answers = context.state.answers
    for key in [key for key, entry in answers.items() if now - entry.at >= lifetime]:
        del answers[key]
    if token is not None:
        answers[operation, token] = RememberedAnswer(operation, token, request, answer, now)
