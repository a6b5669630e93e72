"""ClientTokens: the three ways in which a service may take one that comes again."""

from reconciler.sandbox.service.context import Context
from reconciler.sandbox.service.errors import InvalidRequestError
from reconciler.sandbox.service.state import Answered, Document


def recall(context: Context, operation: str, token: str | None, request: Document) -> Document | None:
    """Answer as under the same token before, or None if this request is to be carried out."""
    if token is None or context.behaviour.tokens == "ignored":
        return None
    known = context.state.answered.get((operation, token))
    if known is None or context.clock() - known.at >= context.behaviour.token_lifetime:
        return None
    if known.request != request and context.behaviour.tokens == "refuse-mismatch":
        raise InvalidRequestError("The ClientToken was used before with other parameters.")
    return known.answer


def remember(context: Context, operation: str, token: str | None, request: Document, answer: Document) -> None:
    """Keep what was answered under a token, and forget the tokens that have expired."""
    now, lifetime = context.clock(), context.behaviour.token_lifetime
    answered = context.state.answered
    for key in [key for key, known in answered.items() if now - known.at >= lifetime]:
        del answered[key]
    if token is not None:
        answered[operation, token] = Answered(operation, token, request, answer, now)
