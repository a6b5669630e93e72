"""ClientTokens: the three ways in which a service may take one that comes again."""

from reconciler.sandbox.service.context import ServiceContext
from reconciler.sandbox.service.errors import InvalidRequestError
from reconciler.sandbox.service.state import Document, RememberedAnswer


def recall_answer(context: ServiceContext, operation: str, token: str | None, request: Document) -> Document | None:
    """Answer as under the same token before, or None if this request is to be carried out."""
    if token is None or context.behaviour.tokens == "ignored":
        return None
    entry = context.state.answers.get((operation, token))
    if entry is None or context.clock() - entry.at >= context.behaviour.token_lifetime:
        return None
    if entry.request != request and context.behaviour.tokens == "refuse-mismatch":
        raise InvalidRequestError("The ClientToken was used before with other parameters.")
    return entry.answer


def remember_answer(
    context: ServiceContext, operation: str, token: str | None, request: Document, answer: Document
) -> None:
    """Keep what was answered under a token, and forget the tokens that have expired."""
    now, lifetime = context.clock(), context.behaviour.token_lifetime
    answers = context.state.answers
    for key in [key for key, entry in answers.items() if now - entry.at >= lifetime]:
        del answers[key]
    if token is not None:
        answers[operation, token] = RememberedAnswer(operation, token, request, answer, now)
