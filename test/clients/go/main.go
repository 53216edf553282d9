// Downloads what a .goshare file names, from the peers it names, with nothing but the protos: the whole of a
// simple client. It asks and never serves, and checks every digest.
//
//	download NAME.goshare OUTPUT_DIRECTORY
package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"google.golang.org/protobuf/proto"

	pb "goshare.dev/gen/goshare/v1"
)

const (
	pageBytes = 1 << 20
	packFiles = 1024
)

type connection struct {
	net.Conn
	nextID uint32
	window int
}

func dial(endpoint *pb.Endpoint) (*connection, error) {
	address := net.JoinHostPort(endpoint.Host, strconv.Itoa(int(endpoint.Port)))
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &connection{socket, 1, 1}
	hello := &pb.Hello{ProtocolMin: 1, ProtocolMax: 1, PeerId: random(32), Agent: "go-client/1", Nonce: random(16),
		MaxRequestsInFlight: 64, IdleTimeoutMs: 60_000}
	if err := c.send(&pb.PeerFrame{Body: &pb.PeerFrame_Hello{Hello: hello}}); err != nil {
		return nil, err
	}
	frame, _, err := c.receive()
	if err == nil && frame.GetHello() == nil {
		err = fmt.Errorf("instead of Hello came %v", frame)
	}
	return c, err
}

func random(count int) []byte {
	data := make([]byte, count)
	_, _ = rand.Read(data)
	return data
}

func (c *connection) send(frame *pb.PeerFrame) error {
	header, err := proto.Marshal(frame)
	if err != nil {
		return err
	}
	data := binary.BigEndian.AppendUint32(nil, uint32(2+len(header)))
	data = binary.BigEndian.AppendUint16(data, uint16(len(header)))
	_, err = c.Write(append(data, header...))
	return err
}

func (c *connection) receive() (*pb.PeerFrame, []byte, error) {
	var prefix [6]byte
	if _, err := io.ReadFull(c, prefix[:]); err != nil {
		return nil, nil, err
	}
	length, headerBytes := binary.BigEndian.Uint32(prefix[:]), binary.BigEndian.Uint16(prefix[4:])
	data := make([]byte, int(length)-2)
	if _, err := io.ReadFull(c, data); err != nil {
		return nil, nil, err
	}
	frame := &pb.PeerFrame{}
	return frame, data[headerBytes:], proto.Unmarshal(data[:headerBytes], frame)
}

// ask sends a request and returns its id.
func (c *connection) ask(frame *pb.PeerFrame) (uint32, error) {
	frame.RequestId = c.nextID
	c.nextID += 2
	return frame.RequestId, c.send(frame)
}

// reply returns the next frame that answers a request, and takes note of notices on the way.
func (c *connection) reply() (*pb.PeerFrame, []byte, error) {
	for {
		frame, payload, err := c.receive()
		if err != nil {
			return nil, nil, err
		}
		switch body := frame.Body.(type) {
		case *pb.PeerFrame_PullWindow:
			c.window = int(body.PullWindow.Requests)
		case *pb.PeerFrame_Goodbye:
			return nil, nil, fmt.Errorf("goodbye: %v", body.Goodbye)
		case *pb.PeerFrame_Refusal:
			return nil, nil, fmt.Errorf("refused: %v", body.Refusal)
		case *pb.PeerFrame_Ping:
			pong := &pb.PeerFrame{RequestId: frame.RequestId, Body: &pb.PeerFrame_Pong{Pong: &pb.Pong{}}}
			if err := c.send(pong); err != nil {
				return nil, nil, err
			}
		default:
			if frame.RequestId != 0 && frame.Body != nil {
				return frame, payload, nil
			}
		}
	}
}

func (c *connection) manifestPage(contentID []byte, page uint32) ([]byte, error) {
	request := &pb.PeerFrame_GetManifest{GetManifest: &pb.GetManifest{ContentId: contentID, Page: page}}
	if _, err := c.ask(&pb.PeerFrame{Body: request}); err != nil {
		return nil, err
	}
	_, payload, err := c.reply()
	return payload, err
}

func (c *connection) body(root *pb.Manifest, contentID []byte) ([]byte, error) {
	if form, ok := root.BodyForm.(*pb.Manifest_Body); ok {
		return form.Body, nil
	}
	digests := root.GetBodyDigests()
	var body []byte
	for page := uint64(1); (page-1)*pageBytes < root.BodySize; page++ {
		data, err := c.manifestPage(contentID, uint32(page))
		if err != nil {
			return nil, err
		}
		if digest := sha256.Sum256(data); !bytes.Equal(digest[:], digests[(page-1)*32:page*32]) {
			return nil, fmt.Errorf("page %d of the manifest is not what it should be", page)
		}
		body = append(body, data...)
	}
	return body, nil
}

// run is where a part of a chunk belongs.
type run struct {
	path           string
	offset, length uint64
}

func layout(files []*pb.FileEntry, chunkSize uint64) [][]run {
	var chunks [][]run
	pack, packed := -1, uint64(0)
	for _, file := range files {
		switch {
		case file.Size >= chunkSize:
			for offset := uint64(0); offset < file.Size; offset += chunkSize {
				chunks = append(chunks, []run{{file.Path, offset, min(chunkSize, file.Size-offset)}})
			}
		case file.Size > 0:
			if pack < 0 || packed+file.Size > chunkSize || len(chunks[pack]) == packFiles {
				pack, packed = len(chunks), 0
				chunks = append(chunks, nil)
			}
			chunks[pack] = append(chunks[pack], run{file.Path, 0, file.Size})
			packed += file.Size
		}
	}
	return chunks
}

func length(runs []run) (sum uint64) {
	for _, run := range runs {
		sum += run.length
	}
	return sum
}

func (c *connection) chunks(contentID []byte, chunks [][]run, digests []byte, write func(run, []byte) error) error {
	join := &pb.PeerFrame_Join{Join: &pb.Join{ContentId: contentID, Coverage: pb.Coverage_COVERAGE_NONE}}
	if _, err := c.ask(&pb.PeerFrame{Body: join}); err != nil {
		return err
	}
	if _, _, err := c.reply(); err != nil {
		return err
	}
	running, parts, asked := map[uint32]int{}, map[int][]byte{}, 0
	for asked < len(chunks) || len(running) > 0 {
		for ; asked < len(chunks) && len(running) < max(1, c.window); asked++ {
			get := &pb.PeerFrame_GetChunk{GetChunk: &pb.GetChunk{ContentId: contentID, ChunkIndex: uint32(asked)}}
			id, err := c.ask(&pb.PeerFrame{Body: get})
			if err != nil {
				return err
			}
			running[id] = asked
		}
		frame, payload, err := c.reply()
		if err != nil {
			return err
		}
		index := running[frame.RequestId]
		data := append(parts[index], payload...)
		if uint64(len(data)) < length(chunks[index]) {
			parts[index] = data
			continue
		}
		delete(running, frame.RequestId)
		delete(parts, index)
		if digest := sha256.Sum256(data); !bytes.Equal(digest[:], digests[index*32:index*32+32]) {
			return fmt.Errorf("chunk %d is not what it should be", index)
		}
		for _, run := range chunks[index] {
			if err := write(run, data[:run.length]); err != nil {
				return err
			}
			data = data[run.length:]
		}
	}
	return nil
}

func download(manifestPath, output string) error {
	data, err := os.ReadFile(manifestPath)
	if err != nil {
		return err
	}
	named, root, body := &pb.ManifestFile{}, &pb.Manifest{}, &pb.ManifestBody{}
	if err := proto.Unmarshal(data, named); err != nil {
		return err
	}
	if err := proto.Unmarshal(named.Manifest, root); err != nil {
		return err
	}
	contentID := sha256.Sum256(named.Manifest)
	c, err := dial(named.Peers[0])
	if err != nil {
		return err
	}
	defer c.Close()
	encoded, err := c.body(root, contentID[:])
	if err != nil {
		return err
	}
	if err := proto.Unmarshal(encoded, body); err != nil {
		return err
	}
	base := output
	if root.Kind == pb.ShareKind_SHARE_KIND_FOLDER {
		base = filepath.Join(output, root.Name)
	}
	// A real client refuses hostile names here; manifest.proto lists them.
	place := func(path string) string { return filepath.Join(base, filepath.FromSlash(path)) }
	write := func(run run, data []byte) error {
		file, err := os.OpenFile(place(run.path), os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = file.WriteAt(data, int64(run.offset))
		return err
	}
	if err := prepare(base, body, place); err != nil {
		return err
	}
	if err := c.chunks(contentID[:], layout(body.Files, uint64(root.ChunkSize)), body.ChunkDigests, write); err != nil {
		return err
	}
	// Links come last, so that nothing is written through one.
	for _, link := range body.SymbolicLinks {
		if err := os.MkdirAll(filepath.Dir(place(link.Path)), 0o777); err != nil {
			return err
		}
		if err := os.Symlink(link.Target, place(link.Path)); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes directories and empty files.
func prepare(base string, body *pb.ManifestBody, place func(string) string) error {
	for _, directory := range append([]string{""}, body.EmptyDirectories...) {
		if err := os.MkdirAll(place(directory), 0o777); err != nil {
			return err
		}
	}
	for _, file := range body.Files {
		mode := os.FileMode(0o666)
		if file.Executable {
			mode = 0o777
		}
		if err := os.MkdirAll(filepath.Dir(place(file.Path)), 0o777); err != nil {
			return err
		}
		made, err := os.OpenFile(place(file.Path), os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
		if err != nil {
			return err
		}
		if err := made.Close(); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	if err := download(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
