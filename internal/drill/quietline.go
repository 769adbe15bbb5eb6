package drill

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
)

// device is a pupil's own, at home: an address of its own, and signed in for weeks.
func (q *fortnight) device(id string) *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it has no list that could be wrong
	}
	// Its own source, so that the order in which devices come changes nothing of the script.
	from := fromAnywhere(rand.New(rand.NewPCG(uint64(q.replay.options.Seed), uint64(len(q.devices)))))
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
	t := &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 1}
	return &person{name: id, http: &http.Client{Jar: jar, Timeout: requestMost, Transport: t}, base: q.prog.url, identifier: q.Identifier(id), password: q.Password, own: true}
}

// stream is a class that a pupil's browser keeps open.
type stream struct {
	pupil string
	path  string
	end   context.CancelFunc
	over  chan struct{}
}

// listen opens the stream that the page of a class names.
func (q *fortnight) listen(pupil, text string) (*stream, error) {
	s := &stream{pupil: pupil, path: eventsOf(text)}
	if s.path == "" {
		return nil, fmt.Errorf("the page of %s's class names no stream: %s", pupil, words(text))
	}
	return s, q.again(s)
}

// again opens it, also after it broke.
func (q *fortnight) again(s *stream) error {
	p := q.devices[s.pupil]
	ctx, end := context.WithCancel(q.ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+s.path, nil)
	if err != nil {
		end()
		return err
	}
	// It lasts longer than any answer may take.
	res, err := (&http.Client{Jar: p.http.Jar, Transport: p.http.Transport}).Do(req)
	if err != nil {
		end()
		return err
	}
	first, err := bufio.NewReader(res.Body).ReadString('\n')
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(first, "event:") || err != nil {
		end()
		res.Body.Close()
		return fmt.Errorf("%s hears nothing of their class: %s: %d %q %w", s.pupil, s.path, res.StatusCode, first, err)
	}
	s.end, s.over = end, make(chan struct{})
	go func() {
		defer close(s.over)
		defer res.Body.Close()
		io.Copy(io.Discard, res.Body)
	}()
	return nil
}

func (s *stream) close() {
	s.end()
	<-s.over
}

// hangUp closes every open class.
func (q *fortnight) hangUp() {
	for _, s := range q.open {
		s.close()
	}
	q.open = nil
}

// fourAtOnce does the same for each of many, four at once, and gives the first error.
func fourAtOnce(all []string, do func(string) error) error {
	todo, errs := make(chan string), make(chan error, len(all))
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for one := range todo {
				if err := do(one); err != nil {
					errs <- err
				}
			}
		})
	}
	for _, one := range all {
		todo <- one
	}
	close(todo)
	workers.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}
