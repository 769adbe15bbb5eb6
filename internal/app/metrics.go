package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/preau-ent/preau/internal/door"
)

// The metrics are for whoever operates the installation, at an address of their own: they
// tell when a school is at work, and a page open to everybody should not. They say nothing
// of any one school. docs/operating.md says what each means and when to act.

// meters turns Figures into metrics when they are asked for.
type meters struct {
	figures func() Figures
	descs   map[string]*prometheus.Desc
}

// metric is one line of the list: its name without the prefix, its help, its labels.
type metric struct {
	name, help string
	labels     []string
}

// metricList is every metric of ours; the operating guide has the same names.
func metricList() []metric {
	lane, class := []string{"lane"}, []string{"class"}
	return []metric{
		{"goodput_ratio", "Part of the page views of the last minute that were answered within 3 s and without a failure of ours; 1 when none were asked for.", nil},
		{"pages_offered_total", "Page views asked for by people who are inside.", nil},
		{"pages_total", "What became of them: well, slow, failed, shed (shown their turn instead), gone (nobody waited any more).", []string{"outcome"}},
		{"door_waiting", "People in line.", lane},
		{"door_rate", "People a second who may enter.", nil},
		{"door_tickets_total", "Places in line that were given.", lane},
		{"door_looks_total", "Times that people in line looked.", lane},
		{"door_admitted_total", "People who entered.", lane},
		{"door_wait_seconds", "How long those who entered had waited.", lane},
		{"door_forged_total", "Tickets that were refused: forged, foreign or spent.", nil},
		{"door_announced_error_seconds", "Difference between the time that was announced first and the real one, of people who were followed.", nil},
		{"door_announced_right_ratio", "Part of them of whom it was within a quarter, or 30 s.", nil},
		{"door_inversions_total", "Of them, those overtaken by more than 10 s by somebody of the same line though they looked when told.", nil},
		{"door_inversion_worst_seconds", "The longest time by which any of them was overtaken.", nil},
		{"door_looks_per_person", "Looks that they took to enter.", nil},
		{"door_fairness", "Jain's index over schools of what part of their people entered, of the least fair lane; 1: alike.", nil},
		{"passwords_workers", "Passwords that can be checked at once.", nil},
		{"passwords_working", "Passwords being checked.", nil},
		{"passwords_waiting", "Passwords that wait for it.", nil},
		{"passwords_checked_total", "Passwords that got a worker.", nil},
		{"passwords_wait_seconds_total", "How long they waited for it, together.", nil},
		{"passwords_turned_away_total", "People who were sent back because too many passwords waited.", nil},
		{"limiter_working", "Requests at work.", nil},
		{"limiter_waiting", "Requests that wait for a worker.", nil},
		{"limiter_wait_p90_seconds", "What nine of ten requests waited for a worker at most, in the last 10 s.", nil},
		{"limiter_wait_seconds", "What requests waited for a worker.", class},
		{"shed_total", "Requests that left without a worker: shown their turn, or gone.", class},
		{"rolls_total", "Rolls that were sent to be saved.", nil},
		{"rolls_refused_total", "Rolls that were not taken, by a failure of ours. Must stay 0.", nil},
		{"alert_lag_seconds", "How long the oldest absence is late: undecided, or due and neither told nor held.", nil},
		{"alert_seen_seconds", "Since all absences were last looked at.", nil},
		{"letters_lag_seconds", "How long the oldest message that may leave has been due.", nil},
		{"letters_locked", "1: the fence keeps everything in the building, in every school.", nil},
		{"letters_unreached", "1: no carrier of a channel can be reached.", nil},
		{"database_up", "1: the database answered the last time.", nil},
		{"database_answer_seconds", "How long it took.", nil},
	}
}

func newMeters(figures func() Figures) *meters {
	m := &meters{figures: figures, descs: map[string]*prometheus.Desc{}}
	for _, one := range metricList() {
		m.descs[one.name] = prometheus.NewDesc("preau_"+one.name, one.help, one.labels, nil)
	}
	return m
}

// Describe is of prometheus.Collector.
func (m *meters) Describe(out chan<- *prometheus.Desc) {
	for _, d := range m.descs {
		out <- d
	}
}

// Collect is of prometheus.Collector.
func (m *meters) Collect(out chan<- prometheus.Metric) {
	f := m.figures()
	is := func(kind prometheus.ValueType, name string, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(m.descs[name], kind, v, labels...)
	}
	gauge := func(name string, v float64, labels ...string) { is(prometheus.GaugeValue, name, v, labels...) }
	count := func(name string, v int64, labels ...string) {
		is(prometheus.CounterValue, name, float64(v), labels...)
	}
	times := func(name string, w door.Waits, labels ...string) {
		buckets := map[float64]uint64{}
		for i, bound := range door.WaitBounds() {
			buckets[bound] = uint64(w.Upto[i])
		}
		out <- prometheus.MustNewConstHistogram(m.descs[name], uint64(w.N), w.Sum.Seconds(), buckets, labels...)
	}
	p := f.Pages
	gauge("goodput_ratio", f.Goodput)
	count("pages_offered_total", p.Offered)
	for outcome, n := range map[string]int64{"well": p.Well, "slow": p.Slow, "failed": p.Failed, "shed": p.Shed, "gone": p.Gone} {
		count("pages_total", n, outcome)
	}
	for _, l := range f.Door.Lanes {
		gauge("door_waiting", float64(l.Waiting), l.Name)
		count("door_tickets_total", l.Tickets, l.Name)
		count("door_looks_total", l.Looks, l.Name)
		count("door_admitted_total", l.Admitted, l.Name)
		times("door_wait_seconds", l.Waits, l.Name)
	}
	gauge("door_rate", f.Door.Rate)
	count("door_forged_total", f.Door.Forged)
	times("door_announced_error_seconds", f.Door.Announced)
	gauge("door_announced_right_ratio", part(f.Door.AnnouncedRight, f.Door.Announced.N))
	count("door_inversions_total", f.Door.Inversions)
	gauge("door_inversion_worst_seconds", f.Door.WorstInversion.Seconds())
	if f.Door.Followed > 0 {
		gauge("door_looks_per_person", float64(f.Door.Looks)/float64(f.Door.Followed))
	}
	gauge("door_fairness", f.Door.Fairness)
	gauge("passwords_workers", float64(f.Pool.Workers))
	gauge("passwords_working", float64(f.Pool.Working))
	gauge("passwords_waiting", float64(f.Pool.Waiting))
	count("passwords_checked_total", f.Pool.Checked)
	is(prometheus.CounterValue, "passwords_wait_seconds_total", f.Pool.Waited.Seconds())
	count("passwords_turned_away_total", f.Pool.TurnedAway)
	gauge("limiter_working", float64(f.Limiter.Working))
	gauge("limiter_waiting", float64(f.Limiter.Waiting))
	gauge("limiter_wait_p90_seconds", f.Limiter.P90.Seconds())
	for i, class := range door.ClassNames() {
		times("limiter_wait_seconds", f.Limiter.Waits[i], class)
		count("shed_total", f.Limiter.Left[i], class)
	}
	count("rolls_total", p.Rolls)
	count("rolls_refused_total", p.RollsLost)
	gauge("alert_lag_seconds", f.AlertLag.Seconds())
	gauge("alert_seen_seconds", f.AlertsSeen.Seconds())
	gauge("letters_lag_seconds", f.Courier.Lag.Seconds())
	gauge("letters_locked", yes(f.Courier.Locked))
	gauge("letters_unreached", yes(f.Courier.Unreached))
	gauge("database_up", yes(f.Database))
	gauge("database_answer_seconds", f.Asked.Seconds())
}

// part is how many of all; 1 when there were none.
func part(n, of int64) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// metricsHandler serves /metrics: ours, the program's memory and processor, the runtime's.
func (a *App) metricsHandler() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(newMeters(a.latestFigures), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 5 * time.Second}))
	return mux
}

// latestFigures are those that the page of the state was made from last: asking for metrics
// asks no database.
func (a *App) latestFigures() Figures {
	if f := a.last.Load(); f != nil {
		return *f
	}
	return a.Figures(context.Background())
}

// listenMetrics opens the metrics' own address; nil: there is none.
func (a *App) listenMetrics() (net.Listener, error) {
	addr := a.Config.MetricsAddr
	if addr == "" {
		return nil, nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("--metrics-addr %s: it is HOST:PORT, such as 127.0.0.1:9464", addr)
	}
	if addr == a.Config.Addr && !strings.HasSuffix(addr, ":0") {
		return nil, errors.New("--metrics-addr is the address of the pages: give the metrics one of their own, such as 127.0.0.1:9464")
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		a.log.Warn("the metrics can be read from other machines, without a password and unencrypted: better 127.0.0.1 and the agent of your monitoring on this machine", "addr", addr)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s for the metrics: %w", addr, err)
	}
	a.metricsAt.Store(ln.Addr())
	return ln, nil
}

// MetricsAddr is where the metrics are read; nil where they are not.
func (a *App) MetricsAddr() net.Addr {
	at, _ := a.metricsAt.Load().(net.Addr)
	return at
}

// serveMetrics serves them until ctx ends.
func (a *App) serveMetrics(ctx context.Context, ln net.Listener) error {
	server := &http.Server{Handler: a.metricsHandler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 8 << 10}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
