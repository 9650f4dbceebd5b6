"""The same work by python-socketio: AsyncServer on aiohttp and uvloop, instances joined by its Redis manager."""

import os
import secrets
import time
from typing import Any

import socketio  # type: ignore[import-untyped]
import uvloop
from aiohttp import web

# A connection's member, in a dictionary of its own: one look-up a message.
members: dict[str, dict[str, str]] = {}
manager = socketio.AsyncRedisManager(f"redis://127.0.0.1:{os.environ['REDIS_PORT']}/0")
server = socketio.AsyncServer(async_mode="aiohttp", client_manager=manager, transports=["websocket"])


@server.on("CREATE")  # type: ignore[untyped-decorator]
async def create(sid: str, _message: dict[str, Any]) -> None:
    await seat(sid, secrets.token_hex(8).upper(), "CREATED")


@server.on("JOIN")  # type: ignore[untyped-decorator]
async def join(sid: str, message: dict[str, Any]) -> None:
    await seat(sid, message["code"], "JOINED")


@server.on("SEND_MESSAGE")  # type: ignore[untyped-decorator]
async def send_message(sid: str, message: dict[str, Any]) -> None:
    member = members[sid]
    event = {
        "id": secrets.token_urlsafe(9),
        "memberId": member["id"],
        "name": member["name"],
        "text": message["text"],
        "at": int(time.time() * 1000),
    }
    await server.emit("MESSAGE", event, room=member["code"])


@server.on("disconnect")  # type: ignore[untyped-decorator]
async def disconnect(sid: str, _reason: str) -> None:
    members.pop(sid, None)


async def seat(sid: str, code: str, answer: str) -> None:
    members[sid] = {"code": code, "id": secrets.token_urlsafe(9), "name": "Guest"}
    await server.enter_room(sid, code)
    await server.emit(answer, {"code": code, "memberId": members[sid]["id"]}, to=sid)
    await server.emit("ROOM", {"snapshot": {"code": code}}, to=sid)


if __name__ == "__main__":
    app = web.Application()
    server.attach(app)
    web.run_app(
        app, host="127.0.0.1", port=int(os.environ["PORT"]), loop=uvloop.new_event_loop(), print=None, access_log=None
    )
