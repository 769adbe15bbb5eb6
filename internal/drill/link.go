package drill

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// link is a line between people and the program that takes so many bytes a second each way:
// a bucket of tokens before a plain relay. It keeps people's own addresses.
type link struct {
	ln       net.Listener
	to       string
	up, down *bucket
}

// newLink lays one; 0 bits is a line without a limit.
func newLink(ctx context.Context, to string, bitsPerSecond float64) (*link, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &link{ln: ln, to: to, up: newBucket(bitsPerSecond / 8), down: newBucket(bitsPerSecond / 8)}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go l.relay(ctx, conn)
		}
	}()
	return l, nil
}

func (l *link) addr() string { return l.ln.Addr().String() }

func (l *link) close() { l.ln.Close() }

func (l *link) relay(ctx context.Context, person net.Conn) {
	defer person.Close()
	d := net.Dialer{Timeout: requestMost, LocalAddr: &net.TCPAddr{IP: person.RemoteAddr().(*net.TCPAddr).IP}}
	program, err := d.DialContext(ctx, "tcp", l.to)
	if err != nil {
		return
	}
	defer program.Close()
	var both sync.WaitGroup
	carry := func(to, from net.Conn, b *bucket) {
		buf := make([]byte, 4<<10)
		for {
			n, err := from.Read(buf)
			if n > 0 {
				b.take(n)
				if _, err := to.Write(buf[:n]); err != nil {
					break
				}
			}
			if err != nil {
				break
			}
		}
		if half, ok := to.(interface{ CloseWrite() error }); ok {
			half.CloseWrite()
		}
		io.Copy(io.Discard, from)
	}
	both.Go(func() { carry(program, person, l.up) })
	both.Go(func() { carry(person, program, l.down) })
	both.Wait()
}

// bucket gives so many bytes a second, and a twentieth of a second's worth at once.
type bucket struct {
	mu   sync.Mutex
	rate float64
	next time.Time // when what was given so far is paid for
}

const atOnce = 50 * time.Millisecond

func newBucket(bytesPerSecond float64) *bucket { return &bucket{rate: bytesPerSecond} }

// take waits until so many bytes may pass.
func (b *bucket) take(n int) {
	if b.rate <= 0 {
		return
	}
	b.mu.Lock()
	now := time.Now()
	if b.next.Before(now) {
		b.next = now
	}
	b.next = b.next.Add(time.Duration(float64(n) / b.rate * float64(time.Second)))
	wait := b.next.Sub(now) - atOnce
	b.mu.Unlock()
	if wait > 0 {
		time.Sleep(wait)
	}
}
