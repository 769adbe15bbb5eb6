package guard

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/database"
)

// handler is the provider that the tool sees over HTTP: POST /messages with a form,
// GET /messages/ID for its state, and the address that Kannel's clients call.
func (g *Guard) handler() http.Handler {
	var wrong wrongs
	mux := http.NewServeMux()
	guarded := func(pattern string, serve func(w http.ResponseWriter, r *http.Request)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			host, _, _ := net.SplitHostPort(r.RemoteAddr)
			if wrong.tooMany(host, time.Now()) {
				http.Error(w, "too many wrong passwords: wait a minute", http.StatusTooManyRequests)
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
			if err := r.ParseForm(); err != nil {
				http.Error(w, "the form cannot be read", http.StatusBadRequest)
				return
			}
			name, password, ok := r.BasicAuth()
			if !ok {
				name, password = r.Form.Get("username"), r.Form.Get("password")
			}
			if !g.letsIn(name, password) {
				wrong.add(host, time.Now())
				w.Header().Set("WWW-Authenticate", `Basic realm="preau guard"`)
				http.Error(w, "wrong name or password", http.StatusUnauthorized)
				return
			}
			serve(w, r)
		})
	}
	guarded("POST /messages", func(w http.ResponseWriter, r *http.Request) {
		id, status, words := g.take(r.Context(), r.Form)
		answer(w, status, map[string]string{"id": id, "error": words})
	})
	guarded("GET /messages/{id}", g.showState)
	kannel := func(w http.ResponseWriter, r *http.Request) {
		_, status, words := g.take(r.Context(), r.Form)
		if status == http.StatusAccepted {
			words = "0: Accepted for delivery"
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(words))
	}
	guarded("GET /cgi-bin/sendsms", kannel)
	guarded("POST /cgi-bin/sendsms", kannel)
	return mux
}

func answer(w http.ResponseWriter, status int, words map[string]string) {
	for k, v := range words {
		if v == "" {
			delete(words, k)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(words)
}

// letsIn compares without telling by its time how much of it was right.
func (g *Guard) letsIn(name, password string) bool {
	same := func(a, b string) int {
		x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
		return subtle.ConstantTimeCompare(x[:], y[:])
	}
	return same(name, g.file.SystemID)&same(password, g.file.Password) == 1
}

// take reads a form and keeps its message. One call is one number.
func (g *Guard) take(ctx context.Context, f url.Values) (id string, status int, words string) {
	o, err := offerFrom(f)
	if err == nil {
		id, err = g.Accept(ctx, o)
	}
	switch {
	case err == nil:
		return id, http.StatusAccepted, ""
	case errors.Is(err, ErrNumber):
		return "", http.StatusUnprocessableEntity, "to: one number of a mobile telephone"
	case errors.Is(err, ErrText):
		return "", http.StatusUnprocessableEntity, "text: it is missing, too long, or cannot be read"
	case errors.Is(err, ErrLife):
		return "", http.StatusUnprocessableEntity, "validity: too short: a message rests for a while before it leaves"
	case errors.Is(err, errForm):
		return "", http.StatusUnprocessableEntity, "to, text, from and validity are given once each"
	}
	g.log.Error("guard: a message could not be kept; the tool was told so", "err", err)
	return "", http.StatusServiceUnavailable, "try again"
}

var errForm = errors.New("guard: a field is given twice")

// offerFrom reads a message from a form: to, text, from, validity in minutes; and whatever
// else Kannel's clients say, which means nothing here.
func offerFrom(f url.Values) (Offer, error) {
	for _, name := range []string{"to", "text", "from", "validity"} {
		if len(f[name]) > 1 {
			return Offer{}, errForm
		}
	}
	o := Offer{To: f.Get("to"), Text: f.Get("text"), Sender: f.Get("from"), Via: "http"}
	if v := f.Get("validity"); v != "" {
		minutes, err := strconv.Atoi(v)
		if err != nil || minutes < 1 || minutes > 100_000 {
			return Offer{}, ErrLife
		}
		o.Life = time.Duration(minutes) * time.Minute
	}
	return o, nil
}

func (g *Guard) showState(w http.ResponseWriter, r *http.Request) {
	var m Message
	err := g.db.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if id := asID(r.PathValue("id")); id != "" {
			m, err = StateOf(ctx, tx, g.school, id)
			return err
		}
		return ErrNotFound
	})
	switch {
	case errors.Is(err, ErrNotFound):
		answer(w, http.StatusNotFound, map[string]string{"error": "there is no such message"})
	case err != nil:
		g.log.Error("guard: a state could not be read", "err", err)
		answer(w, http.StatusServiceUnavailable, map[string]string{"error": "try again"})
	default:
		answer(w, http.StatusOK, map[string]string{"id": r.PathValue("id"), "state": string(m.State), "because": m.Because})
	}
}

// wrongs counts wrong passwords by the address that they come from.
type wrongs struct {
	mu sync.Mutex
	by map[string][]time.Time
}

// mostWrong in wrongWithin from one address: after that nobody there is listened to until
// a minute has gone by.
const (
	mostWrong   = 5
	wrongWithin = time.Minute
	mostHosts   = 1000
)

func (w *wrongs) add(host string, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.by == nil || len(w.by) > mostHosts {
		w.by = map[string][]time.Time{}
	}
	w.by[host] = append(w.by[host], at)
}

func (w *wrongs) tooMany(host string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	recent := w.by[host][:0]
	for _, at := range w.by[host] {
		if now.Sub(at) < wrongWithin {
			recent = append(recent, at)
		}
	}
	if len(recent) == 0 {
		delete(w.by, host)
		return false
	}
	w.by[host] = recent
	return len(recent) >= mostWrong
}
