package live

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"time"
)

// What one browser may send by its signalling: the engine of that version bounds neither the
// size nor the number of messages. A class of thirty with camera and screen needs a tenth.
const (
	longestFrame = 512 << 10
	framesAtOnce = 600
	framesSecond = 40
	bytesAtOnce  = 4 << 20
	bytesSecond  = 128 << 10
)

var errTooMuch = errors.New("more than a browser of ours ever sends")

func newFrames(to io.ReadWriteCloser, now time.Time, closed func()) *frames {
	return &frames{ReadWriteCloser: to, closed: closed, count: newBucket(framesAtOnce, framesSecond, now), size: newBucket(bytesAtOnce, bytesSecond, now)}
}

// frames is one open WebSocket towards the engine. What is written to it comes from a
// browser; it is read along, frame by frame (RFC 6455, section 5.2), and cut where it is too
// large or too much.
type frames struct {
	io.ReadWriteCloser
	count  bucket // of frames
	size   bucket // of bytes
	closed func()
	once   sync.Once

	head []byte // of the frame that begins
	left uint64 // of the frame that comes
}

func (f *frames) Write(b []byte) (int, error) {
	if err := f.read(b, time.Now()); err != nil {
		f.Close()
		return 0, err
	}
	return f.ReadWriteCloser.Write(b)
}

func (f *frames) Close() error {
	err := f.ReadWriteCloser.Close()
	f.once.Do(f.closed)
	return err
}

// read follows the frames in b.
func (f *frames) read(b []byte, now time.Time) error {
	for len(b) > 0 {
		if f.left > 0 {
			n := min(f.left, uint64(len(b)))
			f.left -= n
			b = b[n:]
			continue
		}
		f.head = append(f.head, b[0])
		b = b[1:]
		length, whole := frameLength(f.head)
		if !whole {
			continue
		}
		f.head = f.head[:0]
		if length > longestFrame || !f.count.take(1, now) || !f.size.take(float64(length), now) {
			return errTooMuch
		}
		f.left = length
	}
	return nil
}

// frameLength reads the head of a frame; false: there is more of it.
func frameLength(head []byte) (length uint64, whole bool) {
	if len(head) < 2 {
		return 0, false
	}
	need, kind := 2, head[1]&0x7f
	switch kind {
	case 126:
		need += 2
	case 127:
		need += 8
	}
	mask := 0
	if head[1]&0x80 != 0 {
		mask = 4
	}
	if len(head) < need+mask {
		return 0, false
	}
	switch kind {
	case 126:
		return uint64(binary.BigEndian.Uint16(head[2:])), true
	case 127:
		return binary.BigEndian.Uint64(head[2:]), true
	}
	return uint64(kind), true
}

// bucket holds how much may come now: at most most, and each more a second.
type bucket struct {
	left, most, each float64
	at               time.Time
}

func newBucket(most, each float64, now time.Time) bucket {
	return bucket{left: most, most: most, each: each, at: now}
}

func (b *bucket) take(n float64, now time.Time) bool {
	b.left = min(b.most, b.left+now.Sub(b.at).Seconds()*b.each)
	b.at = now
	if b.left < n {
		return false
	}
	b.left -= n
	return true
}
