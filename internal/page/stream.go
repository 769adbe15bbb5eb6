package page

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Stream tells an open page that something changed (server-sent events). It
// carries names of events and ids, never content: the page then asks again for
// what it may see.
type Stream struct {
	w    http.ResponseWriter
	ctrl *http.ResponseController
}

// OpenStream begins an event stream as the answer of a handler, which then calls
// Send until the request's context ends. It sends event once at once: what
// changed between the page and its stream, or while the connection was lost, is
// thus never missed, provided that the handler listens for changes before it
// opens the stream. The server's limit on writing does not apply to it.
func OpenStream(w http.ResponseWriter, event string) (*Stream, error) {
	s := &Stream{w: w, ctrl: http.NewResponseController(w)}
	// A server without deadlines, or a test's recorder, has none to lift.
	_ = s.ctrl.SetWriteDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy in front passes it on at once
	w.WriteHeader(http.StatusOK)
	return s, s.Send(event, "")
}

// Send names an event and the id of what changed. An error means that the page
// is gone.
func (s *Stream) Send(event, id string) error {
	oneLine := strings.NewReplacer("\n", " ", "\r", " ")
	if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", oneLine.Replace(event), oneLine.Replace(id)); err != nil {
		return fmt.Errorf("send an event: %w", err)
	}
	return s.flush()
}

// Beat sends a line that means nothing, so that a connection which nobody needs
// any more is noticed: every 20 to 30 seconds.
func (s *Stream) Beat() error {
	if _, err := fmt.Fprint(s.w, ":\n\n"); err != nil {
		return fmt.Errorf("keep a stream: %w", err)
	}
	return s.flush()
}

func (s *Stream) flush() error {
	if err := s.ctrl.Flush(); err != nil {
		return fmt.Errorf("flush a stream: %w", err)
	}
	return nil
}
