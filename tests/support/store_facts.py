"""What there is to find out about a store that is as it should be."""

import time
from typing import Any

from hubbub.doctor.facts import ClocksApart, ConnectionInfo, Facts, Rights

GB = 1024**3
INFO: dict[str, Any] = {
    "maxmemory": GB,
    "used_memory": GB // 2,
    "maxmemory_policy": "noeviction",
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "aof_last_bgrewrite_status": "ok",
    "rdb_last_bgsave_status": "ok",
    "connected_slaves": 0,
}
CONFIG = {"save": "", "appendfsync": "everysec", "maxmemory-policy": "noeviction", "min-replicas-to-write": "0"}
HEALTHY = Facts(
    server="redis.internal:6379",
    connection=ConnectionInfo("10.0.0.7", tls=True, certificate_ends=time.time() + 90 * 86_400, password=True),
    product="valkey",
    version="9.1.2",
    role="master",
    info=INFO,
    config=CONFIG,
    replicas=0,
    rights=Rights("hubbub"),
    round_trips_ms=(0.5,) * 200,
    event_ms=0.7,
    clocks=ClocksApart(-2.0, 1.0),
)
