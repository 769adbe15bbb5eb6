package app

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// Limits bound what one connection may take: whoever is slow, on a bad line or on purpose,
// keeps nobody else waiting. The zero value is what people meet; tests have smaller ones.
type Limits struct {
	Header      time.Duration // to send the request's header
	Read        time.Duration // to send the whole request
	Write       time.Duration // to take the whole answer, from the header's end on
	Idle        time.Duration // of a connection between two requests
	HeaderBytes int
}

func (l Limits) orUsual() Limits {
	return Limits{Header: cmp.Or(l.Header, 10*time.Second), Read: cmp.Or(l.Read, time.Minute), Write: cmp.Or(l.Write, 2*time.Minute),
		Idle: cmp.Or(l.Idle, 2*time.Minute), HeaderBytes: cmp.Or(l.HeaderBytes, 64<<10)}
}

// server is an http.Server within the limits, without a handler.
func (l Limits) server(log *slog.Logger) *http.Server {
	l = l.orUsual()
	return &http.Server{ReadHeaderTimeout: l.Header, ReadTimeout: l.Read, WriteTimeout: l.Write, IdleTimeout: l.Idle, MaxHeaderBytes: l.HeaderBytes,
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: 64, SendPingTimeout: l.Idle / 2, PingTimeout: l.Header, WriteByteTimeout: l.Write / 2},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
}

// readFirst is how much of a request is read before it takes a worker: every form of ours
// fits. A worker never waits for a slow line.
const readFirst = 64 << 10

// bodies read what people send before a worker is taken.
type bodies struct {
	large chan struct{} // places for what is larger: it keeps its worker while it comes
}

func newBodies(workers int) *bodies { return &bodies{large: make(chan struct{}, max(1, workers/4))} }

// read reads a request's body, or its beginning; more tells that there is more. An error is
// the line's: it broke, or took too long. Whoever reads the body later meets it too.
func (b *bodies) read(r *http.Request) (more bool, err error) {
	if r.Body == nil || r.Body == http.NoBody {
		return false, nil
	}
	var first bytes.Buffer
	n, err := first.ReadFrom(io.LimitReader(r.Body, readFirst))
	whole := r.Body
	if more = err == nil && n == readFirst; more {
		r.Body = body{io.MultiReader(&first, whole), whole}
	} else {
		r.Body = body{io.MultiReader(&first, ends{err}), whole}
	}
	return more, err
}

// place waits for a place among the large ones; done gives it back.
func (b *bodies) place(ctx context.Context) (done func(), err error) {
	select {
	case b.large <- struct{}{}:
		return func() { <-b.large }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type body struct {
	io.Reader
	io.Closer
}

// ends is the end of a body, or what broke it.
type ends struct{ err error }

func (e ends) Read([]byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	return 0, io.EOF
}
