"""Servers on loopback that speak the vendors' protocols, with faults on demand.

with ClaudeServer(answer=lambda asked: '{"event_s": 1.25}') as server:
    reply = ask(question, Endpoint("anthropic", base_url=server.url))
"""

from tests.vendors.anthropic_server import ClaudeServer
from tests.vendors.chat_server import ChatServer
from tests.vendors.gemini_server import GeminiServer
from tests.vendors.openai_server import GptServer
from tests.vendors.server import Asked, Fault, FaultKind, VendorServer

__all__ = ["Asked", "ChatServer", "ClaudeServer", "Fault", "FaultKind", "GeminiServer", "GptServer", "VendorServer"]
