package status

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/durable"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// Status is the running page.
type Status struct {
	db      *database.DB
	journal *journal.Journal
	now     func() time.Time
	log     *slog.Logger
	measure func(context.Context) Figures
	here    HereFunc
	site    *page.Site
	out     string
	file    string
	url     string

	mu        sync.Mutex
	points    []Point
	admitted  int64      // when the last point was taken
	incidents []Incident // as the database gave them last
	poke      chan struct{}
	made      atomic.Pointer[made]
}

// made is what is served, made some seconds ago at most.
type made struct {
	figures Figures
	report  Report
	files   map[string]file
}

// file is one of the page's files, in a form that any web server can give.
type file struct {
	kind string // Content-Type
	body []byte
}

// Config of a Status. Measure gives the figures of this moment within a few seconds,
// whatever is broken. Now is the installation's clock.
type Config struct {
	DB      *database.DB
	Journal *journal.Journal
	Now     func() time.Time
	Log     *slog.Logger
	Measure func(context.Context) Figures
	Here    HereFunc
	Site    *page.Site // its words and its zone
	// Out is a folder that gets a copy of the page each minute, for another host; empty: none.
	Out string
	// File keeps the last hour's line over a restart; empty: it begins anew.
	File string
	// URL is the site's own address, https://HOST, for links from the copy and the feed.
	URL string
}

// New makes one. Nothing is measured before Run or Look.
func New(c Config) *Status {
	s := &Status{db: c.DB, journal: c.Journal, now: c.Now, log: c.Log, measure: c.Measure, here: c.Here, site: c.Site, out: c.Out, file: c.File, url: c.URL, poke: make(chan struct{}, 1)}
	s.remember()
	return s
}

// How often the page is made, and how many minutes of the line are drawn.
const (
	every     = 5 * time.Second
	minute    = time.Minute
	hourShown = 60
	readWait  = 2 * time.Second
)

// Run makes the page until ctx ends, and the copy each minute.
func (s *Status) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; n++ {
		if err := s.Look(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("status: the page could not be made", "err", err)
		} else if err == nil && n%int(minute/every) == 0 {
			s.keep()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.poke:
			n = -1 // what the operator said is in the copy at once
		}
	}
}

// Poke tells the running page that the operator said something.
func (s *Status) Poke() {
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

// Look measures once and makes the page.
func (s *Status) Look(ctx context.Context) error {
	f := s.measure(ctx)
	now := s.now()
	reading, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	var incidents []Incident
	err := s.db.Read(reading, func(ctx context.Context, tx database.Tx) (err error) {
		incidents, err = Since(ctx, tx, now.Add(-pastShown))
		return err
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.incidents = incidents
	} else {
		// What the operator said before holds; that nothing can be read is said by the figures.
		f.Database = false
		if ctx.Err() == nil {
			s.log.Error("status: the database does not answer", "err", err)
		}
	}
	s.note(f, now)
	return s.makeFiles(f, Judge(f, s.incidents, s.points, now))
}

// note keeps one point of the line a minute.
func (s *Status) note(f Figures, now time.Time) {
	last := len(s.points) - 1
	if last >= 0 && now.Sub(s.points[last].At) < minute && !now.Before(s.points[last].At) {
		s.points[last].Waiting = max(s.points[last].Waiting, f.Waiting)
		s.points[last].Admitted += int(max(0, f.Admitted-s.admitted))
		s.admitted = f.Admitted
		return
	}
	for len(s.points) > 0 && (now.Sub(s.points[0].At) >= hourShown*minute || now.Before(s.points[0].At)) {
		s.points = s.points[1:]
	}
	s.points = append(s.points, Point{At: now.Truncate(minute), Waiting: f.Waiting, Admitted: int(max(0, f.Admitted-s.admitted))})
	s.admitted = f.Admitted
}

// Report is what the page says now.
func (s *Status) Report() Report { return s.latest().report }

// latest gives what was made last; before the first time, that the program is starting.
func (s *Status) latest() *made {
	if m := s.made.Load(); m != nil {
		return m
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made.Load() == nil {
		if err := s.makeFiles(Figures{}, Judge(Figures{}, s.incidents, s.points, s.now())); err != nil {
			s.log.Error("status: the page could not be made", "err", err)
			return &made{}
		}
	}
	return s.made.Load()
}

// remember reads the last hour's line of an earlier program.
func (s *Status) remember() {
	if s.file == "" {
		return
	}
	b, err := os.ReadFile(s.file)
	if err == nil {
		err = json.Unmarshal(b, &s.points)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.log.Error("status: the last hour could not be read: it is drawn anew", "err", err)
		s.points = nil
	}
}

// keep writes the last hour's line and the copy.
func (s *Status) keep() {
	s.mu.Lock()
	points, err := json.Marshal(s.points)
	s.mu.Unlock()
	if err == nil && s.file != "" {
		err = durable.WriteFile(s.file, points, 0o600)
	}
	if err != nil {
		s.log.Error("status: the last hour could not be kept", "err", err)
	}
	if s.out == "" {
		return
	}
	if err := s.Copy(s.out); err != nil {
		s.log.Error("status: the copy could not be written: another host shows an old one", "folder", s.out, "err", err)
	}
}

// Copy writes the page and its feed into a folder, each file whole or not at all.
func (s *Status) Copy(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, f := range s.latest().files {
		if copied(name) {
			if err := durable.WriteFile(filepath.Join(folder, name), f.body, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// serve gives one file from memory.
func (s *Status) serve(w http.ResponseWriter, r *http.Request, name string) error {
	f, ok := s.latest().files[name]
	if !ok {
		return page.NotFound()
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "max-age=5")
	h.Set("Content-Security-Policy", policy)
	if r.Method == http.MethodHead {
		return nil
	}
	_, _ = w.Write(f.body) // the visitor may be gone
	return nil
}
