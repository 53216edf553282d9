#!/usr/bin/env python3
"""libtorrent as a rival: one seeder, one downloader or several, no discovery.

torrent.py seed TORRENT FILE PORT     makes TORRENT of FILE, then serves it at PORT until it is ended
torrent.py leech TORRENT FOLDER PORT  fetches it from the seeder at PORT, and ends
torrent.py swarm FOLDER FILE COUNT BYTES_PER_SECOND
    gives FILE to COUNT downloaders that write below FOLDER, all in this process, none of them sending more than so many
    bytes a second; writes {"done": {"seconds": [...], "seedSentBytes": ...}}, and ends
"""
import json
import os
import sys
import time

import libtorrent as lt


# No discovery, and plain TCP, as suits a network of one's own.
PLAIN = {
    "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
    "enable_outgoing_utp": False, "enable_incoming_utp": False, "out_enc_policy": 2, "in_enc_policy": 2,
    "allow_multiple_connections_per_ip": True, "alert_mask": 0,
}
# As many threads as are of use, and enough data under way for a fast link.
FAST = {
    "aio_threads": 4, "hashing_threads": 2, "max_out_request_queue": 1500,
    "max_allowed_in_request_queue": 4000, "send_buffer_watermark": 3 << 20,
}
# As many at a time as are of use in a swarm of some dozens.
SHARING = {"unchoke_slots_limit": 8, "connections_limit": 200}
PIECE_BYTES = 1 << 20


def session(port, more):
    return lt.session({"listen_interfaces": "127.0.0.1:%d" % port, **PLAIN, **more})


def described(path):
    files = lt.file_storage()
    lt.add_files(files, path)
    made = lt.create_torrent(files, PIECE_BYTES, flags=lt.create_torrent.v1_only)
    lt.set_piece_hashes(made, os.path.dirname(path))
    return lt.bencode(made.generate())


def swarm(folder, path, count, bytes_per_second):
    info = lt.torrent_info(lt.bdecode(described(path)))
    sessions = [session(0, {**SHARING, "upload_rate_limit": bytes_per_second}) for _ in range(count + 1)]
    # libtorrent's limits do not apply to machines of the same network, unless no peer class is set for those.
    nobody = lt.ip_filter()
    nobody.add_rule("0.0.0.0", "255.255.255.255", 1 << int(lt.session.global_peer_class_id))
    handles = []
    for index, each in enumerate(sessions):
        each.set_peer_class_filter(nobody)
        target = os.path.dirname(path) if index == 0 else os.path.join(folder, str(index))
        os.makedirs(target, exist_ok=True)
        flags = lt.torrent_flags.seed_mode if index == 0 else lt.torrent_flags.update_subscribe
        handles.append(each.add_torrent({"ti": info, "save_path": target, "flags": flags}))
    time.sleep(1)
    begun = time.time()
    for index, handle in enumerate(handles):
        for other in sessions[:index]:
            handle.connect_peer(("127.0.0.1", other.listen_port()))
    done = {}
    while len(done) < count:
        for index in range(1, count + 1):
            if index not in done and handles[index].status().is_seeding:
                done[index] = time.time() - begun
        time.sleep(0.02)
    sent = handles[0].status().total_payload_upload
    print(json.dumps({"done": {"seconds": sorted(done.values()), "seedSentBytes": sent}}), flush=True)


def main():
    role = sys.argv[1]
    if role == "swarm":
        return swarm(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    torrent, path, port = sys.argv[2], sys.argv[3], int(sys.argv[4])
    if role == "seed":
        with open(torrent + ".new", "wb") as out:
            out.write(described(path))
        os.rename(torrent + ".new", torrent)
        held = session(port, FAST)
        handle = held.add_torrent({"ti": lt.torrent_info(torrent), "save_path": os.path.dirname(path),
                                   "flags": lt.torrent_flags.seed_mode})
        while True:
            time.sleep(1)
    fetching = session(0, FAST)
    handle = fetching.add_torrent({"ti": lt.torrent_info(torrent), "save_path": path,
                                   "flags": lt.torrent_flags.update_subscribe})
    handle.connect_peer(("127.0.0.1", port))
    while not handle.status().is_seeding:
        time.sleep(0.01)


if __name__ == "__main__":
    main()
