"""Downloads what a .goshare file names, from the peers it names, with nothing but the protos: the whole of a simple
client. It asks and never serves, and checks every digest.

    python download.py NAME.goshare OUTPUT_DIRECTORY

Needs the messages that protoc generates from proto/ for Python on its path.
"""
import hashlib
import os
import socket
import struct
import sys

from goshare.v1 import endpoint_pb2, manifest_pb2, peer_pb2

PAGE_BYTES = 1 << 20
PACK_FILES = 1024


class Connection:
    """One connection to a peer, whose replies come in any order."""

    def __init__(self, endpoint):
        self.socket = socket.create_connection((endpoint.host, endpoint.port), timeout=20)
        self.next_id = 1
        self.window = 1
        hello = peer_pb2.Hello(
            protocol_min=1, protocol_max=1, peer_id=os.urandom(32), agent="python-client/1", nonce=os.urandom(16),
            max_requests_in_flight=64, idle_timeout_ms=60_000)
        self.send(peer_pb2.PeerFrame(hello=hello))
        frame, _ = self.receive()
        if frame.WhichOneof("body") != "hello":
            raise IOError(f"instead of Hello came {frame}")

    def send(self, frame):
        header = frame.SerializeToString()
        self.socket.sendall(struct.pack(">IH", 2 + len(header), len(header)) + header)

    def receive(self):
        length, header_bytes = struct.unpack(">IH", self.read(6))
        frame = peer_pb2.PeerFrame.FromString(self.read(header_bytes))
        return frame, self.read(length - 2 - header_bytes)

    def read(self, count):
        data = bytearray(count)
        view = memoryview(data)
        while len(view) > 0:
            received = self.socket.recv_into(view)
            if received == 0:
                raise IOError("the peer closed the connection")
            view = view[received:]
        return bytes(data)

    def ask(self, **body):
        request_id = self.next_id
        self.next_id += 2
        self.send(peer_pb2.PeerFrame(request_id=request_id, **body))
        return request_id

    def reply(self):
        """The next frame that answers a request, with its payload; notices are taken note of on the way."""
        while True:
            frame, payload = self.receive()
            kind = frame.WhichOneof("body")
            if kind == "pull_window":
                self.window = frame.pull_window.requests
            elif kind == "goodbye":
                raise IOError(f"goodbye: {frame.goodbye.message}")
            elif kind == "refusal":
                raise IOError(f"refused: {frame.refusal}")
            elif kind == "ping":
                self.send(peer_pb2.PeerFrame(request_id=frame.request_id, pong=peer_pb2.Pong()))
            elif frame.request_id != 0 and kind is not None:
                return frame, payload

    def manifest_page(self, content_id, page):
        self.ask(get_manifest=peer_pb2.GetManifest(content_id=content_id, page=page))
        _, payload = self.reply()
        return payload


def fetch_body(connection, root, content_id):
    if root.WhichOneof("body_form") == "body":
        return root.body
    pages = []
    for page in range(1, -(-root.body_size // PAGE_BYTES) + 1):
        data = connection.manifest_page(content_id, page)
        if hashlib.sha256(data).digest() != root.body_digests[(page - 1) * 32:page * 32]:
            raise IOError(f"page {page} of the manifest is not what it should be")
        pages.append(data)
    return b"".join(pages)


def layout(files, chunk_size):
    """For each chunk the runs (path, offset in the file, length) that it is made of."""
    chunks = []
    pack, pack_bytes, pack_files = None, 0, 0
    for entry in files:
        if entry.size >= chunk_size:
            for offset in range(0, entry.size, chunk_size):
                chunks.append([(entry.path, offset, min(chunk_size, entry.size - offset))])
        elif entry.size > 0:
            if pack is None or pack_bytes + entry.size > chunk_size or pack_files == PACK_FILES:
                pack, pack_bytes, pack_files = [], 0, 0
                chunks.append(pack)
            pack.append((entry.path, 0, entry.size))
            pack_bytes += entry.size
            pack_files += 1
    return chunks


def fetch_chunks(connection, content_id, chunks, digests, write):
    connection.ask(join=peer_pb2.Join(content_id=content_id, coverage=peer_pb2.COVERAGE_NONE))
    connection.reply()
    asked, running, parts = 0, {}, {}
    while asked < len(chunks) or running:
        while asked < len(chunks) and len(running) < max(1, connection.window):
            get = peer_pb2.GetChunk(content_id=content_id, chunk_index=asked)
            running[connection.ask(get_chunk=get)] = asked
            asked += 1
        frame, payload = connection.reply()
        index = running[frame.request_id]
        data = parts.pop(index, b"") + payload
        if len(data) < sum(length for _, _, length in chunks[index]):
            parts[index] = data
            continue
        del running[frame.request_id]
        if hashlib.sha256(data).digest() != digests[index * 32:(index + 1) * 32]:
            raise IOError(f"chunk {index} is not what it should be")
        at = 0
        for path, offset, length in chunks[index]:
            write(path, offset, data[at:at + length])
            at += length


def main(manifest_path, output):
    with open(manifest_path, "rb") as file:
        named = endpoint_pb2.ManifestFile.FromString(file.read())
    root = manifest_pb2.Manifest.FromString(named.manifest)
    content_id = hashlib.sha256(named.manifest).digest()
    connection = Connection(named.peers[0])
    if connection.manifest_page(content_id, 0) != named.manifest:
        raise IOError("the peer has another manifest")
    body = manifest_pb2.ManifestBody.FromString(fetch_body(connection, root, content_id))

    is_folder = root.kind == manifest_pb2.SHARE_KIND_FOLDER
    base = os.path.join(output, root.name) if is_folder else output

    def place(path):
        # A real client refuses hostile names here; manifest.proto lists them.
        full = os.path.join(base, *path.split("/"))
        os.makedirs(os.path.dirname(full), exist_ok=True)
        return full

    def write(path, offset, data):
        with open(os.open(place(path), os.O_RDWR | os.O_CREAT, 0o666), "r+b") as file:
            file.seek(offset)
            file.write(data)

    os.makedirs(base, exist_ok=True)
    for entry in body.files:
        with open(place(entry.path), "wb") as file:
            file.truncate(entry.size)
    fetch_chunks(connection, content_id, layout(body.files, root.chunk_size), body.chunk_digests, write)
    for entry in body.files:
        if entry.executable:
            os.chmod(place(entry.path), 0o755)
    for path in body.empty_directories:
        os.makedirs(os.path.join(base, *path.split("/")), exist_ok=True)
    for link in body.symbolic_links:
        os.symlink(link.target, place(link.path))
    connection.send(peer_pb2.PeerFrame(goodbye=peer_pb2.Goodbye(reason=peer_pb2.GOODBYE_REASON_FINISHED)))


main(sys.argv[1], sys.argv[2])
