#!/usr/bin/env python3
"""Writes the dashboards beside this file: `make.py`; `make.py --check` only says which of them differ from what it would write.

A dashboard is a list of rows, a row a list of panels, a panel its title, its unit and its queries. Every query is of the nodes (or the
instances of coretap) chosen at the top. What the metrics mean: docs/metrics.md.
"""
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
NODE = 'node=~"$node"'
SELF = 'instance=~"$instance"'
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def rate(metric, labels="", scope=NODE):
    return f"rate(coretap_{metric}{{{','.join(filter(None, [scope, labels]))}}}[$__rate_interval])"


def increase(metric, labels="", scope=NODE):
    return f"increase(coretap_{metric}{{{','.join(filter(None, [scope, labels]))}}}[$__rate_interval])"


def value(metric, labels="", scope=NODE):
    return f"coretap_{metric}{{{','.join(filter(None, [scope, labels]))}}}"


def by(labels, expr, how="sum"):
    return f"{how} by ({labels}) ({expr})"


def quantile(q, metric, labels="node", more=""):
    """Over at least an hour for what is as rare as blocks."""
    return f"histogram_quantile({q}, {by(labels + ', le', rate(metric + '_bucket', more))})"


def quantile_of(q, metric, window, labels="node", more=""):
    selector = ",".join(filter(None, [NODE, more]))
    return f"histogram_quantile({q}, {by(labels + ', le', f'increase(coretap_{metric}_bucket{{{selector}}}[{window}])')})"


def panel(title, unit, *queries, kind="timeseries", text="", width=8, stack=False, maximum=None):
    """queries: (expression, legend)."""
    targets = []
    for i, (expr, legend) in enumerate(queries):
        target = {"datasource": DATASOURCE, "refId": chr(ord("A") + i), "expr": expr, "legendFormat": legend, "range": True}
        if kind == "stat":
            target |= {"instant": True, "range": False}
        if kind == "heatmap":
            target["format"] = "heatmap"
        targets.append(target)
    defaults = {"unit": unit, "min": 0}
    if maximum is not None:
        defaults["max"] = maximum
    options = {}
    if kind == "timeseries":
        defaults["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 25 if stack else 0,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if stack else "none", "group": "A"},
        }
        options = {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    elif kind == "stat":
        defaults["color"] = {"mode": "thresholds"}
        defaults["thresholds"] = {"mode": "absolute", "steps": [{"color": "text", "value": None}]}
        options = {"colorMode": "value", "graphMode": "none", "textMode": "auto", "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    elif kind == "heatmap":
        options = {
            "calculate": False,
            "cellGap": 1,
            "color": {"mode": "scheme", "scheme": "Blues", "steps": 32},
            "yAxis": {"unit": unit, "axisPlacement": "left"},
            "tooltip": {"show": True, "yHistogram": False},
            "legend": {"show": False},
        }
    return {
        "type": kind,
        "title": title,
        "description": text,
        "datasource": DATASOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
        "_width": width,
        "_height": 4 if kind == "stat" else 8,
    }


def heatmap(title, unit, metric, text="", labels="", width=8):
    return panel(title, unit, (by("le", increase(metric + "_bucket", labels)), "{{le}}"), kind="heatmap", text=text, width=width)


def stat(title, unit, expr, legend="{{node}}", text="", width=4):
    return panel(title, unit, (expr, legend), kind="stat", text=text, width=width)


def lay_out(rows):
    panels, y = [], 0
    for title, row in rows:
        panels.append({"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"h": 1, "w": 24, "x": 0, "y": y}})
        y += 1
        x = height = 0
        for item in row:
            item = dict(item)
            width, item_height = item.pop("_width"), item.pop("_height")
            if x + width > 24:
                x, y, height = 0, y + height, 0
            item["gridPos"] = {"h": item_height, "w": width, "x": x, "y": y}
            x, height = x + width, max(height, item_height)
            panels.append(item)
        y += height
    for number, item in enumerate(panels, 1):
        item["id"] = number
    return panels


def variable(name, label, query):
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": "Variable"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def dashboard(uid, title, text, rows, of_self=False):
    chosen = (
        variable("instance", "coretap", "label_values(coretap_build_info, instance)")
        if of_self
        else variable("node", "Node", "label_values(coretap_node_running, node)")
    )
    return {
        "uid": uid,
        "title": title,
        "description": text,
        "tags": ["bitcoin", "coretap"],
        "schemaVersion": 38,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "",
        "links": [
            {"type": "dashboards", "title": "coretap", "tags": ["coretap"], "asDropdown": True, "includeVars": True, "keepTime": True, "icon": "dashboard"}
        ],
        "annotations": {"list": []},
        "templating": {"list": [{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}}, chosen]},
        "panels": lay_out(rows),
    }


BOUND = "Upper bound: from a message's firing to the next firing that is not of it. Sending to peers is in it, and the wait for the next message."
AT_LEAST = "Lower bound: from a message's firing to the last firing that is known to be of it."

DASHBOARDS = {
    "p2p": dashboard(
        "coretap-p2p",
        "coretap: P2P",
        "What the node and its peers say to each other, and what it costs.",
        [
            ("Traffic", [
                panel("Messages", "ops", (by("node, direction", rate("p2p_traffic_messages_total")), "{{node}} {{direction}}"), width=12),
                panel("Payload", "Bps", (by("node, direction", rate("p2p_traffic_bytes_total")), "{{node}} {{direction}}"), width=12,
                      text="Without the transport's headers."),
                panel("Messages from peers by type", "ops", (by("type", rate("p2p_messages_total", 'direction="in"')), "{{type}}"), width=12, stack=True),
                panel("Messages to peers by type", "ops", (by("type", rate("p2p_messages_total", 'direction="out"')), "{{type}}"), width=12, stack=True),
                panel("Payload from peers by type", "Bps", (by("type", rate("p2p_message_bytes_total", 'direction="in"')), "{{type}}"), width=12, stack=True),
                panel("Payload to peers by type", "Bps", (by("type", rate("p2p_message_bytes_total", 'direction="out"')), "{{type}}"), width=12, stack=True),
                panel("Messages by connection type", "ops", (by("conn_type, direction", rate("p2p_messages_total")), "{{conn_type}} {{direction}}"), width=12),
                panel("Payload by connection type", "Bps", (by("conn_type, direction", rate("p2p_message_bytes_total")), "{{conn_type}} {{direction}}"), width=12),
            ]),
            ("Message handling", [
                panel("Busy", "percentunit", (by("node", rate("message_handling_lower_bound_seconds_total")), "{{node}} at least"),
                      (by("node", rate("message_handling_upper_bound_seconds_sum")), "{{node}} at most"),
                      text="Share of its time that the message thread spends on messages. Where messages are many, the time between them is in the upper bound, which is then nearly all.", width=8),
                panel("By type, at least", "percentunit", (by("type", rate("message_handling_lower_bound_seconds_total")), "{{type}}"), text=AT_LEAST, stack=True, width=8),
                panel("99th percentile by type, at most", "s", (quantile(0.99, "message_handling_upper_bound_seconds", "type"), "{{type}}"), text=BOUND, width=8),
            ]),
            ("Transactions and pings", [
                panel("Inventory entries", "ops", (by("direction, type", rate("inv_entries_total")), "{{type}} {{direction}}"), width=8),
                heatmap("Entries of an inv we send", "short", "inv_message_entries", labels='direction="out"',
                        text="Grows with what waits to be announced: 70 and more means a queue."),
                panel("Waiting to be announced", "short", (value("rpc_peers_inv_to_send", 'statistic=~"max|median"'), "{{node}} {{statistic}}"),
                      text="getpeerinfo's inv_to_send, since 31.0; needs RPC."),
                panel("Round trip of pings", "s", (quantile(0.5, "ping_seconds"), "{{node}} median"), (quantile(0.95, "ping_seconds"), "{{node}} 95 %")),
                panel("Peers that owe a pong", "short", (value("peers_ping_waiting"), "{{node}}"), text="For more than five seconds."),
                heatmap("Fee filters of peers", "short", "fee_filter_sat_per_vb", labels='direction="in"', text="Satoshi a virtual byte."),
            ]),
            ("Malformed", [
                panel("Findings by problem", "short", (by("problem", increase("decode_findings_total")), "{{problem}}"), width=12),
                panel("Findings by message type", "short", (by("type", increase("decode_findings_by_type_total")), "{{type}}"), width=12),
            ]),
        ],
    ),
    "connections": dashboard(
        "coretap-connections",
        "coretap: connections",
        "Who is connected, who comes and goes, who misbehaves.",
        [
            ("Now", [
                stat("Inbound", "short", value("open_connections", 'direction="in"')),
                stat("Outbound", "short", value("open_connections", 'direction="out"')),
                stat("Inbound IPv4 /16", "short", value("peers_inbound_ipv4_subnets"), text="Distinct networks of inbound IPv4 peers."),
                stat("Evicted, 1 h", "short", by("node", "increase(coretap_evicted_connections_total{" + NODE + "}[1h])")),
                stat("Misbehaving, 1 h", "short", by("node", "increase(coretap_node_events_total{" + NODE + ',tracepoint="net:misbehaving_connection"}[1h])')),
                stat("Transport v2", "percentunit",
                     value("rpc_peers_by_transport", 'transport="v2"') + " / ignoring (transport) " + by("job, instance, node", value("rpc_peers_by_transport")),
                     text="Of all peers; needs RPC."),
            ]),
            ("Connected", [
                panel("Open connections", "short", (value("open_connections"), "{{node}} {{direction}}")),
                panel("Peers by connection type", "short", (by("conn_type", value("peers")), "{{conn_type}}"), stack=True),
                panel("Peers by network", "short", (by("network, direction", value("peers_by_network")), "{{network}} {{direction}}"), stack=True),
                panel("Peers by feature", "short", (by("feature", value("peers_by_feature")), "{{feature}}")),
                panel("Peers by protocol version", "short", (by("protocol_version", value("peers_by_protocol_version")), "{{protocol_version}}"), stack=True),
                panel("Clocks off by more than ten seconds", "short", (by("clock", value("peers_by_clock", 'clock!="close"')), "{{clock}}")),
                panel("Ping", "s", (value("peers_ping_median_seconds"), "{{node}} median of the last"),
                      (value("peers_min_ping_median_seconds"), "{{node}} median of the shortest")),
                panel("Autonomous systems", "short", (value("rpc_peers_as"), "{{node}} distinct"), (value("rpc_peers_in_largest_as"), "{{node}} peers in the largest"),
                      text="Needs RPC, and an asmap of the node."),
                panel("Version messages by user agent", "short", ("topk(10, " + by("user_agent", increase("version_messages_total")) + ")", "{{user_agent}}")),
            ]),
            ("Coming and going", [
                panel("Inbound opened", "ops", (by("network", rate("inbound_connections_total")), "{{network}}"), stack=True),
                panel("Outbound opened", "ops", (by("conn_type", rate("outbound_connections_total")), "{{conn_type}}"), stack=True),
                panel("Closed", "ops", (by("conn_type", rate("closed_connections_total")), "{{conn_type}}"), stack=True),
                panel("Closed by network", "ops", (by("network", rate("closed_connections_by_network_total")), "{{network}}"), stack=True),
                panel("Evicted", "ops", (by("node", rate("evicted_connections_total")), "{{node}}")),
                heatmap("Age of closed connections", "s", "closed_connection_age_seconds"),
                panel("Misbehaviour", "short", (by("reason", increase("misbehaving_total")), "{{reason}}")),
            ]),
        ],
    ),
    "addr-relay": dashboard(
        "coretap-addr-relay",
        "coretap: address relay",
        "Addresses that peers tell each other: how many, of what networks, how old, how many too many.",
        [
            ("Addresses", [
                panel("From peers by network", "ops", (by("network", rate("addr_entries_total", 'direction="in"')), "{{network}}"), stack=True, width=12),
                panel("To peers by network", "ops", (by("network", rate("addr_entries_total", 'direction="out"')), "{{network}}"), stack=True, width=12),
                heatmap("Addresses in an addrv2 from a peer", "short", "addr_message_entries", labels='direction="in",type="addrv2"', width=12),
                heatmap("Time of an address less now", "s", "addr_time_offset_seconds", labels='direction="in"', width=12),
            ]),
            ("Rate limit", [
                panel("Processed and limited", "ops", (by("node", rate("addr_processed_total")), "{{node}} processed"), (by("node", rate("addr_rate_limited_total")), "{{node}} limited"),
                      text="By a copy of Bitcoin Core's token bucket."),
                panel("Share limited", "percentunit",
                      (by("node", rate("addr_rate_limited_total")) + " / (" + by("node", rate("addr_processed_total")) + " + " + by("node", rate("addr_rate_limited_total")) + ")", "{{node}}"),
                      maximum=1),
                panel("Peers limited", "short", (value("addr_rate_limited_peers"), "{{node}}")),
            ]),
            ("What is in them", [
                panel("Services offered", "percentunit",
                      (by("service", rate("addr_services_total", 'direction="in"')) + " / ignoring (service) group_left sum(" + rate("addr_entries_total", 'direction="in"') + ")", "{{service}}"),
                      text="Share of the addresses from peers."),
                panel("Self-announcements", "ops", (by("network", rate("addr_self_announcements_total", 'direction="in"')), "{{network}}")),
                panel("Neighbours of peers", "ops", (by("network", rate("addr_subnet_announcements_total", 'direction="in"')), "{{network}}"), text="Other addresses in the peer's own network: /16 of IPv4, /32 of IPv6."),
                panel("Empty messages", "ops", (by("direction", rate("addr_empty_messages_total")), "{{direction}}")),
            ]),
            ("Addrman", [
                panel("Known addresses", "short", (by("network, table", value("rpc_addrman_addresses")), "{{network}} {{table}}"), text="Needs RPC.", stack=True),
                panel("Entries by age", "short", (by("up_to", value("rpc_addrman_entries_by_age", 'table="new"')), "{{up_to}}"), text="Table new; needs RPC.", stack=True),
                panel("Too old, or in the future", "short", (by("table", value("rpc_addrman_too_old_entries")), "{{table}} too old"),
                      (by("table", value("rpc_addrman_future_entries")), "{{table}} future"), text="Needs RPC."),
                panel("Added", "ops", (by("inserted", rate("addrman_new_total")), "new, inserted: {{inserted}}"), (by("node", rate("addrman_tried_total")), "tried"),
                      text="Patched nodes only."),
            ]),
        ],
    ),
    "blocks": dashboard(
        "coretap-blocks",
        "coretap: blocks",
        "How blocks come, how long they take, how fast they go on.",
        [
            ("Now", [
                stat("Height", "none", value("block_height")),
                stat("Last block", "s", "time() - " + value("block_connected_time_seconds"), text="Time since it was connected."),
                stat("Blocks, 24 h", "short", by("node", "increase(coretap_blocks_connected_total{" + NODE + "}[1d])")),
                stat("Announced to delivered, median 24 h", "s", quantile_of(0.5, "block_announce_to_deliver_seconds", "1d")),
                stat("Connected in, median 24 h", "s", quantile_of(0.5, "block_connect_seconds", "1d")),
                stat("Complete at once, 24 h", "percentunit",
                     by("node", 'increase(coretap_blocks_delivered_total{' + NODE + ',via="cmpctblock"}[1d])') + " / " + by("node", "increase(coretap_blocks_delivered_total{" + NODE + ',via!="unknown"}[1d])'),
                     text="Compact blocks that lacked nothing."),
            ]),
            ("The way of a block", [
                panel("Announced to delivered", "s", (quantile_of(0.5, "block_announce_to_deliver_seconds", "6h"), "{{node}} median"),
                      (quantile_of(0.9, "block_announce_to_deliver_seconds", "6h"), "{{node}} 90 %"), text="Of the last six hours."),
                panel("Delivered to connected", "s", (quantile_of(0.5, "block_deliver_to_connect_seconds", "6h"), "{{node}} median"),
                      (quantile_of(0.9, "block_deliver_to_connect_seconds", "6h"), "{{node}} 90 %"), text="Of the last six hours."),
                panel("Announced to relayed", "s", (quantile_of(0.5, "block_announce_to_relay_seconds", "6h"), "{{node}} median"),
                      (quantile_of(0.9, "block_announce_to_relay_seconds", "6h"), "{{node}} 90 %"), text="From the first announcement to ours; of the last six hours."),
            ]),
            ("How they come", [
                panel("First announced by", "short", (by("via", "increase(coretap_blocks_first_announced_total{" + NODE + "}[6h])"), "{{via}}"), stack=True),
                panel("Delivered by", "short", (by("via", "increase(coretap_blocks_delivered_total{" + NODE + "}[6h])"), "{{via}}"), stack=True,
                      text="cmpctblock: nothing was missing; blocktxn: some transactions had to be asked for."),
                panel("Missing transactions", "short", (quantile_of(0.5, "block_missing_transactions", "6h"), "{{node}} median"),
                      (quantile_of(0.9, "block_missing_transactions", "6h"), "{{node}} 90 %"), text="Of a compact block; of the last six hours."),
                panel("High-bandwidth peers", "short", (by("feature", value("peers_by_feature", 'feature=~"compact_hb_.*"')), "{{feature}}"),
                      text="to: we asked them; from: they asked us."),
                panel("Blocks in flight", "short", (value("rpc_distinct_blocks_in_flight"), "{{node}} blocks"), (value("rpc_peers_with_blocks_in_flight"), "{{node}} peers"), text="Needs RPC."),
                panel("Chain tips", "short", (by("status", value("rpc_chain_tips", 'status!="active"')), "{{status}}"), text="Needs RPC."),
            ]),
            ("What is in them", [
                panel("Transactions a block", "short", (by("node", "increase(coretap_block_transactions_total{" + NODE + "}[6h])") + " / " + by("node", "increase(coretap_blocks_connected_total{" + NODE + "}[6h])"), "{{node}}")),
                panel("Inputs a block", "short", (by("node", "increase(coretap_block_inputs_total{" + NODE + "}[6h])") + " / " + by("node", "increase(coretap_blocks_connected_total{" + NODE + "}[6h])"), "{{node}}")),
                panel("Stages of connecting", "s", (by("stage", rate("log_bench_seconds_total")) + " / " + by("stage", rate("log_bench_blocks_total")), "{{stage}}"),
                      text="From debug.log with debug=bench. Stages contain others."),
            ]),
        ],
    ),
    "mempool": dashboard(
        "coretap-mempool",
        "coretap: mempool",
        "What comes into the mempool, what leaves it and why.",
        [
            ("Flow", [
                panel("Transactions", "ops", (by("node", rate("mempool_added_total")), "{{node}} added"), (by("node", rate("mempool_removed_total")), "{{node}} removed"),
                      (by("node", rate("mempool_rejected_total")), "{{node}} rejected"), width=12),
                panel("Virtual bytes", "Bps", (by("node", rate("mempool_added_vbytes_total")), "{{node}} added"), (by("node", rate("mempool_removed_vbytes_total")), "{{node}} removed"), width=12),
                panel("Removed by reason", "ops", (by("reason", rate("mempool_removed_total")), "{{reason}}"), stack=True, width=12),
                panel("Rejected by reason", "ops", ("topk(10, " + by("reason", rate("mempool_rejected_total")) + ")", "{{reason}}"), width=12),
                panel("Replaced", "ops", (by("node", rate("mempool_replaced_total")), "{{node}}"), (by("node", rate("mempool_replaced_by_package_total")), "{{node}} by a package"), width=12),
                panel("Fees", "short", (by("node", rate("mempool_added_fees_satoshis_total")), "{{node}} added"), (by("node", rate("mempool_removed_fees_satoshis_total", 'reason="block"')), "{{node}} mined"),
                      text="Satoshi a second.", width=12),
            ]),
            ("Fee rates and age", [
                heatmap("Fee rates of added transactions", "short", "mempool_added_feerate_sat_per_vb", text="Satoshi a virtual byte."),
                panel("Fee rate", "short", (quantile(0.5, "mempool_added_feerate_sat_per_vb"), "{{node}} median added"), (value("rpc_mempool_min_fee_sat_per_vb"), "{{node}} least accepted"),
                      text="Satoshi a virtual byte. The least accepted needs RPC."),
                heatmap("Age of mined transactions", "s", "mempool_block_removal_age_seconds", text="How long what a block took had been in the mempool."),
            ]),
            ("What is there", [
                panel("Transactions", "short", (value("rpc_mempool_transactions"), "{{node}}"), (value("rpc_orphan_transactions"), "{{node}} orphans"), text="Needs RPC."),
                panel("Virtual size", "decbytes", (value("rpc_mempool_vbytes"), "{{node}}"), text="Needs RPC."),
                panel("Memory", "bytes", (value("rpc_mempool_memory_bytes"), "{{node}} used"), (value("rpc_mempool_memory_max_bytes"), "{{node}} allowed"), text="Needs RPC."),
            ]),
            ("Wallet", [
                panel("Coin selections", "short", (by("algorithm", increase("coin_selections_total")), "{{algorithm}}"), width=12),
                panel("Transactions made", "short", (by("result", increase("wallet_transactions_total")), "{{result}}"), width=12),
            ]),
        ],
    ),
    "utxo-cache": dashboard(
        "coretap-utxo-cache",
        "coretap: UTXO cache",
        "Coins in and out of the cache, and what flushing it costs.",
        [
            ("Coins", [
                panel("Added, spent, dropped", "ops", (by("node", rate("utxo_cache_added_total")), "{{node}} added"), (by("node", rate("utxo_cache_spent_total")), "{{node}} spent"),
                      (by("node", rate("utxo_cache_uncached_total")), "{{node}} dropped"), width=12),
                panel("Net growth", "ops", (by("node", rate("utxo_cache_added_total")) + " - " + by("node", rate("utxo_cache_spent_total")), "{{node}}"), width=12),
            ]),
            ("Flushes", [
                panel("Flushes", "short", (by("mode, for_prune", increase("utxo_cache_flush_seconds_count")), "{{mode}}, for prune: {{for_prune}}")),
                panel("Time a flush takes", "s",
                      (by("mode", "increase(coretap_utxo_cache_flush_seconds_sum{" + NODE + "}[6h])") + " / (" + by("mode", "increase(coretap_utxo_cache_flush_seconds_count{" + NODE + "}[6h])") + " > 0)", "{{mode}}"),
                      text="Mean of the last six hours."),
                panel("Time spent flushing", "percentunit", (by("mode", rate("utxo_cache_flush_seconds_sum")), "{{mode}}")),
                panel("Coins flushed", "short", (by("mode", increase("utxo_cache_flushed_coins_total")), "{{mode}}")),
                panel("Memory at the last flush", "bytes", (by("node, mode", value("utxo_cache_last_flush_memory_bytes"), "max"), "{{node}} {{mode}}")),
                panel("Since the last flush", "s", ("time() - " + by("node", value("utxo_cache_last_flush_time_seconds"), "max"), "{{node}}")),
            ]),
        ],
    ),
    "health": dashboard(
        "coretap-health",
        "coretap: its own health",
        "Whether what the other dashboards show is complete, and what showing it costs.",
        [
            ("Now", [
                stat("Lost, 24 h", "short", by("instance", "increase(coretap_events_lost_total{" + SELF + "}[1d])"), "{{instance}}"),
                stat("Events", "ops", by("instance", rate("events_fired_total", scope=SELF)), "{{instance}}"),
                stat("Nodes", "short", by("instance", value("node_running", scope=SELF)), "{{instance}}"),
                stat("Processor", "percentunit", rate("process_cpu_seconds_total", scope=SELF), "{{instance}}"),
                stat("Memory", "bytes", value("process_resident_memory_bytes", scope=SELF), "{{instance}}"),
                stat("Up since", "s", "time() - " + value("process_start_time_seconds", scope=SELF), "{{instance}}"),
            ]),
            ("Completeness", [
                panel("Events fired", "ops", (by("tracepoint", rate("events_fired_total", scope=SELF)), "{{tracepoint}}"), stack=True, width=12),
                panel("Events lost", "short", (by("tracepoint, reason", increase("events_lost_total", scope=SELF)) + " > 0", "{{tracepoint}} {{reason}}"), width=12,
                      text="Nothing here is good."),
                panel("Payloads shed, arguments unreadable", "short", (by("tracepoint", increase("payloads_shed_total", scope=SELF)) + " > 0", "{{tracepoint}} shed"),
                      (by("tracepoint", increase("argument_faults_total", scope=SELF)) + " > 0", "{{tracepoint}} unreadable")),
                panel("Ring", "bytes", (value("ring_size_bytes", scope=SELF), "{{instance}} size"), (value("ring_used_bytes", scope=SELF), "{{instance}} used"),
                      (value("ring_high_water_bytes", scope=SELF), "{{instance}} highest")),
                panel("Attached processes", "short", (by("tracepoint", value("tracepoint_attached_processes", scope=SELF), "max"), "{{tracepoint}}")),
                panel("Node restarts", "short", (by("node", increase("node_starts_total", scope=SELF)), "{{node}}")),
                panel("Queues", "percentunit", (value("queue_depth", scope=SELF) + " / " + value("queue_capacity", scope=SELF), "{{instance}} {{queue}}"), maximum=1),
                panel("Recording", "Bps", (by("instance", rate("recording_written_bytes_total", scope=SELF)), "{{instance}}")),
            ]),
            ("Cost", [
                panel("Processor", "percentunit", (rate("process_cpu_seconds_total", scope=SELF), "{{instance}}"),
                      (rate("kernel_run_seconds_total", scope=SELF), "{{instance}} in the kernel, with bpf_stats_enabled")),
                panel("Memory", "bytes", (value("process_resident_memory_bytes", scope=SELF), "{{instance}}")),
                panel("Threads and descriptors", "short", (value("process_threads", scope=SELF), "{{instance}} threads"), (value("process_open_fds", scope=SELF), "{{instance}} descriptors")),
            ]),
            ("Web", [
                panel("Clients", "short", (value("http_connections", scope=SELF), "{{instance}} connections"), (value("websocket_clients", scope=SELF), "{{instance}} WebSockets")),
                panel("Answers", "reqps", (by("code", rate("http_responses_total", scope=SELF)), "{{code}}")),
                panel("Refused", "short", (by("reason", increase("http_refusals_total", scope=SELF)) + " > 0", "{{reason}}")),
                panel("Events for WebSockets", "ops", (by("instance", rate("websocket_events_formatted_total", scope=SELF)), "formatted"),
                      (by("instance", rate("websocket_events_sampled_out_total", scope=SELF)), "sampled out"), (by("instance", rate("websocket_events_dropped_total", scope=SELF)), "dropped")),
                panel("Sent", "Bps", (by("instance", rate("http_sent_bytes_total", scope=SELF)), "{{instance}}")),
            ]),
            ("RPC and debug.log", [
                panel("RPC answers", "short", (value("rpc_up", scope=SELF), "{{node}}"), maximum=1),
                panel("Failed calls", "short", (by("method", increase("rpc_calls_total", 'result="failure"', scope=SELF)) + " > 0", "{{method}}")),
                panel("Time of a call", "s", (by("method", rate("rpc_call_duration_seconds_total", scope=SELF)) + " / " + by("method", rate("rpc_calls_total", scope=SELF)), "{{method}}")),
                panel("Warnings and errors in debug.log", "short", (by("level", increase("log_lines_total", 'level=~"warning|error"', scope=SELF)), "{{level}}")),
            ]),
        ],
        of_self=True,
    ),
}


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    differ = 0
    for name, content in DASHBOARDS.items():
        path = HERE / f"{name}.json"
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{path.name} is not what make.py writes: run contrib/grafana/make.py", file=sys.stderr)
            differ = 1
    return differ


if __name__ == "__main__":
    sys.exit(main())
