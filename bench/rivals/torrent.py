#!/usr/bin/env python3
"""libtorrent as a rival: one seeder, one downloader, no limits, no discovery.

torrent.py seed TORRENT FILE PORT     makes TORRENT of FILE, then serves it at PORT until it is ended
torrent.py leech TORRENT FOLDER PORT  fetches it from the seeder at PORT, and ends
"""
import os
import sys
import time

import libtorrent as lt


def session(port):
    return lt.session({
        "listen_interfaces": "127.0.0.1:%d" % port,
        "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
        # Plain TCP, as suits a network of one's own.
        "enable_outgoing_utp": False, "enable_incoming_utp": False, "out_enc_policy": 2, "in_enc_policy": 2,
        "allow_multiple_connections_per_ip": True, "alert_mask": 0,
        # As many threads as help, and enough on its way for a fast link.
        "aio_threads": 4, "hashing_threads": 2, "max_out_request_queue": 1500,
        "max_allowed_in_request_queue": 4000, "send_buffer_watermark": 3 << 20,
    })


def main():
    role, torrent, path, port = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    if role == "seed":
        files = lt.file_storage()
        lt.add_files(files, path)
        made = lt.create_torrent(files, 1 << 20, flags=lt.create_torrent.v1_only)
        lt.set_piece_hashes(made, os.path.dirname(path))
        with open(torrent + ".new", "wb") as out:
            out.write(lt.bencode(made.generate()))
        os.rename(torrent + ".new", torrent)
        held = session(port)
        handle = held.add_torrent({"ti": lt.torrent_info(torrent), "save_path": os.path.dirname(path),
                                   "flags": lt.torrent_flags.seed_mode})
        while True:
            time.sleep(1)
    fetching = session(0)
    handle = fetching.add_torrent({"ti": lt.torrent_info(torrent), "save_path": path,
                                   "flags": lt.torrent_flags.update_subscribe})
    handle.connect_peer(("127.0.0.1", port))
    while not handle.status().is_seeding:
        time.sleep(0.01)


if __name__ == "__main__":
    main()
