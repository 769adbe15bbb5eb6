package stories

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/guard"
	"github.com/preau-ent/preau/peers"
)

// relaySteps are where a program is killed: each durable step of a message that it relays.
var relaySteps = []string{guard.StepAccepted, courier.StepClaimed, courier.StepWriting, courier.StepAnswered, courier.StepSettled, courier.StepReceived}

// TestKilledWhileRelaying kills the program in front of a school's tool at each step of the
// messages that it relays, while the centre fails too. The tool keeps to its protocol: what
// it did not hear a yes for it gives again. What is counted is counted at the centre: no
// SMS twice; and what the tool did hear a yes for has left, or is held, or is shown to the
// office as unsure, refused or void.
func TestKilledWhileRelaying(t *testing.T) {
	runs := 36
	if testing.Short() {
		runs = 12
	}
	met := &met{by: map[string]int{}}
	t.Run("mornings", func(t *testing.T) {
		for lane := range relayLanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				mail := peers.SMTP(t)
				centre := peers.SMPP(t, peers.SMSCentreOptions{SystemID: "preau", Password: "secret", Receipts: peers.SMSDelivered})
				for seed := lane; seed < runs; seed += relayLanes {
					engine, step := database.SQLite, relaySteps[seed%len(relaySteps)]
					if seed%4 == 3 {
						engine = database.Postgres
					}
					t.Run(fmt.Sprintf("%03d-%s-%s", seed, step, engine), func(t *testing.T) {
						r := newRelaying(t, uint64(seed), engine, mail, centre, met)
						r.run(step)
						r.judgeRelayed()
					})
				}
			})
		}
	})
	t.Logf("met: %v", met.by)
	for _, what := range []string{"given again", "in parts", "released", "by smpp", "by http", string(courier.Delivered), string(courier.Unsure), string(courier.Refused)} {
		if met.by[what] == 0 && !testing.Short() {
			t.Errorf("no run met: %s", what)
		}
	}
}

const relayLanes = 3

// gift is what the tool has to send: one message, or one part of one.
type gift struct {
	to, text string
	smpp     bool
	whole    string // of a part: the message
	n        byte   // of a part; 0: it is whole
	tried    int
	id       string // that the tool was told with a yes
}

// relaying is one morning of a school's tool.
type relaying struct {
	*killing
	centre *peers.SMSCentre
	seen   int
	guard  *guard.Guard // on the node of those who let go
	clock  *app.Clock
	tool   tool
	gifts  []*gift
	people bool // somebody lets go what is held
	met    *met
}

func newRelaying(t *testing.T, seed uint64, engine database.Engine, mail *peers.MailServer, centre *peers.SMSCentre, met *met) *relaying {
	k := &killing{t: t, random: rand.New(rand.NewPCG(seed, 23)), server: mail, before: len(mail.Messages()), town: fictional.Small(time.Time{})}
	k.now = k.town.Tuesday.Add(7 * time.Minute)
	r := &relaying{killing: k, centre: centre, seen: len(centre.Messages()), clock: app.NewClock(k.now), met: met}
	data := t.TempDir()
	k.env = []string{childData + "=" + data, childPort + "=" + fmt.Sprint(mail.Port())}
	k.addrs = []string{freeAddr(t)}
	config := app.Config{Data: data, Addr: "127.0.0.1:0"}
	source := "sqlite:" + filepath.Join(data, "preau.db")
	if engine == database.Postgres {
		config.Database = databasetest.NewPostgres(t)
		source, k.env = config.Database, append(k.env, childDatabase+"="+config.Database)
	}
	r.tool = tool{smpp: freeAddr(t), http: freeAddr(t)}
	withGuard(t, config, map[string]any{"smpp": map[string]any{"addr": r.tool.smpp}, "http": map[string]any{"addr": r.tool.http}, "gather_seconds": 10, "per_minute": 1000})
	writeFile(t, data+"/carriers", "secret", "secret")
	writeFile(t, data+"/carriers", "centre.json", map[string]any{"kind": "smpp", "sender": "LYCEE", "receipts": true, "answer_seconds": 1,
		"smpp":    map[string]any{"host": centre.Host(), "port": centre.Port(), "tls": "none", "system_id": "preau", "window": 1 + k.random.IntN(5)},
		"secrets": map[string]any{"password": map[string]any{"file": "secret"}}})
	log := slog.New(slog.DiscardHandler)
	a, err := app.Open(t.Context(), config, app.Options{Log: log, Clock: r.clock, For: app.Installing})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	if err := fictional.Save(t.Context(), a.DB, k.town); err != nil {
		t.Fatal(err)
	}
	file, _, err := guard.ReadFile(filepath.Join(data, "guard.json"))
	if err != nil {
		t.Fatal(err)
	}
	r.guard = guard.New(guard.Config{DB: a.DB, Journal: a.Journal, Courier: a.Courier, File: file, Now: r.clock.Now, Log: log})
	if err := r.guard.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if k.db, err = database.Open(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.db.Close() })
	k.release = centre.Release
	k.patience = func(busy int) time.Duration {
		switch {
		case r.gives(): // ten minutes later it would be another message
			return 0
		case busy%120 == 119:
			centre.Release()
			return time.Second
		case busy%60 == 59: // two thirds of a second in which nothing was finished
			return 130 * time.Second
		}
		return 0
	}
	k.rests = r.tick
	return r
}

// run lives two parts of the morning, each with messages of its own and killed in the
// middle, and a peaceful end.
func (r *relaying) run(step string) {
	defer r.tool.hangUp()
	var some []peers.SMSFault
	for range r.random.IntN(4) {
		some = append(some, smsFaults[r.random.IntN(len(smsFaults))])
	}
	r.centre.Plan(some...)
	first := r.random.IntN(5000)
	for i := range 5 {
		r.has(&gift{to: number(first + i), text: fmt.Sprintf("Lycée: %c. n'est pas en cours depuis 8h05.", 'A'+i), smpp: r.random.IntN(2) == 0})
	}
	r.inParts(number(first+9), "Lycée: Léa B. n'est pas en cours de mathématiques depuis 8h05, et personne ne sait où elle est. ", "Merci d'appeler la vie scolaire au 01 99 00 10 01 ou de passer avant midi.")
	r.life(step)
	// What Rodez said: held, and let go by two.
	for i := range 5 + r.random.IntN(3) {
		r.has(&gift{to: number(first + 20 + i), text: rodez, smpp: r.random.IntN(2) == 0})
	}
	r.people = true
	r.life(step)
	r.life("")
}

func (r *relaying) life(step string) {
	if step != "" {
		step += fmt.Sprint(" ", 1+r.random.IntN(5))
	}
	r.clock.Set(r.now)
	r.live(step)
	r.tool.hangUp()
	r.now = r.now.Add(2 * time.Second)
}

func (r *relaying) has(g *gift) { r.gifts = append(r.gifts, g) }

func (r *relaying) inParts(to string, texts ...string) {
	for i, text := range texts {
		r.has(&gift{to: to, text: text, smpp: true, whole: strings.Join(texts, ""), n: byte(i + 1)})
	}
}

// gives tells whether the tool has something left to give.
func (r *relaying) gives() bool {
	return slices.ContainsFunc(r.gifts, func(g *gift) bool { return g.id == "" })
}

// tick lets the tool give a message, or people let go what is held, and tells whether there
// is nothing left to do.
func (r *relaying) tick() (idle bool, wait time.Duration) {
	for _, g := range r.gifts {
		if g.id != "" {
			continue
		}
		id, err := r.tool.give(g)
		if g.tried++; err == nil {
			g.id = id
			continue
		}
		if !errors.Is(err, errNotThere) {
			r.met.add("given again")
		}
		return false, 0
	}
	by, trips, parts := r.kept()
	if r.people && by[guard.Held] > 0 {
		r.letGo(trips)
		return false, 0
	}
	switch {
	case by[courier.Waiting] > 0 || parts > 0:
		wait = 11 * time.Second
	case by[courier.Leaving] > 0 && r.db.Engine() == database.Postgres:
		wait = 20 * time.Second // a dead program is known by its silence
	}
	r.clock.Advance(wait)
	return by[courier.Waiting]+by[courier.Leaving]+parts == 0, wait
}

// kept is what the guard has, by state, and how many parts are in no message yet.
func (r *relaying) kept() (by map[guard.State]int, trips []guard.Trip, parts int) {
	err := r.db.Read(r.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if by, err = guard.Today(ctx, tx, r.town.School.ID, time.Time{}); err != nil {
			return err
		}
		if trips, err = guard.Trips(ctx, tx, r.town.School.ID, 100); err != nil {
			return err
		}
		return tx.NewRaw("SELECT count(*) FROM guard_parts WHERE message IS NULL").Scan(ctx, &parts)
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return by, trips, parts
}

// letGo: two persons let go what is held.
func (r *relaying) letGo(trips []guard.Trip) {
	err := r.db.InSchool(r.t.Context(), r.town.School.ID, func(ctx context.Context, tx database.Tx) error {
		for _, t := range trips {
			if t.Outcome != guard.Open {
				continue
			}
			h, err := guard.HoldingOf(ctx, tx, t)
			if err != nil || h.People == 0 {
				return err
			}
			if err := r.guard.Ask(ctx, tx, t.ID, "office", h.People, r.clock.Now()); err != nil {
				return err
			}
			if _, agreed, err := r.guard.Release(ctx, tx, t.ID, "cpe", h.People, r.clock.Now()); agreed != nil || err != nil {
				return errors.Join(agreed, err)
			}
			r.met.add("released")
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// judgeRelayed counts at the centre, and asks what the office sees.
func (r *relaying) judgeRelayed() {
	r.t.Helper()
	copies, strange := r.taken()
	for _, text := range strange {
		r.t.Errorf("the tool gave no such message: %q", text)
	}
	shown := map[string]bool{}
	messages := map[string]guard.Message{} // by the id that the tool was told
	open := map[string]bool{}
	err := r.db.Read(r.t.Context(), func(ctx context.Context, tx database.Tx) error {
		call, err := guard.ToTelephone(ctx, tx, r.town.School.ID, time.Time{}, 1000)
		if err != nil {
			return err
		}
		for _, m := range call {
			shown[m.ID] = true
		}
		trips, err := guard.Trips(ctx, tx, r.town.School.ID, 100)
		for _, t := range trips {
			open[t.ID] = t.Outcome == guard.Open
		}
		for _, g := range r.gifts {
			m, err := guard.StateOf(ctx, tx, r.town.School.ID, g.id)
			if err != nil {
				return fmt.Errorf("%q, of which the tool was told %q: %w", g.text, g.id, err)
			}
			messages[g.id] = m
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, g := range r.gifts {
		m, text := messages[g.id], g.text
		if g.n > 0 {
			text = g.whole
			r.met.add("in parts")
		}
		n := copies[g.to+" "+courier.PlainSMS(text)]
		r.met.add(map[bool]string{true: "by smpp", false: "by http"}[g.smpp])
		r.met.add(string(m.State))
		what := fmt.Sprintf("%q to %s (given %d times, %s %s, %d attempts)", text, g.to, g.tried, m.State, m.Because, m.Attempts)
		if n > 1 {
			r.t.Errorf("%d copies of %s", n, what)
		}
		if m.Text != text || m.Address != g.to {
			r.t.Errorf("kept as %q to %s: %s", m.Text, m.Address, what)
		}
		switch m.State {
		case courier.Left, courier.Delivered:
			if n == 0 {
				r.t.Errorf("nobody took %s", what)
			}
		case guard.Held:
			if n > 0 || !open[m.Trip] {
				r.t.Errorf("%d copies, and a trip that is open: %v: %s", n, open[m.Trip], what)
			}
		case courier.Unsure, courier.Refused, courier.Void:
			if !shown[m.ID] {
				r.t.Errorf("nobody is shown %s", what)
			}
			if n > 0 && m.State != courier.Unsure && !strings.HasPrefix(m.Because, "undelivered") {
				r.t.Errorf("taken, and the office reads something else: %s", what)
			}
		default:
			r.t.Errorf("it goes no further: %s", what)
		}
	}
}

// taken counts what the centre took, by number and text; those in parts by the most copies
// of any part.
func (r *relaying) taken() (copies map[string]int, strange []string) {
	copies = map[string]int{}
	count := func(to, text string, n int) {
		if !slices.ContainsFunc(r.gifts, func(g *gift) bool {
			return strings.TrimPrefix(g.to, "+") == to && (courier.PlainSMS(g.text) == text || courier.PlainSMS(g.whole) == text)
		}) {
			strange = append(strange, to+" "+text)
		}
		copies["+"+to+" "+text] += n
	}
	type whole struct {
		to         string
		ref, total int
	}
	parts := map[whole]map[int][]string{}
	for _, m := range r.centre.Messages()[r.seen:] {
		key := whole{m.To, m.Ref, m.Total}
		switch {
		case !m.Taken:
		case m.Total == 0:
			count(m.To, m.Text, 1)
		default:
			if parts[key] == nil {
				parts[key] = map[int][]string{}
			}
			parts[key][m.Part] = append(parts[key][m.Part], m.Text)
		}
	}
	for key, p := range parts {
		text, most := "", 0
		for n := 1; n <= key.total; n++ {
			if most = max(most, len(p[n])); len(p[n]) > 0 {
				text += p[n][0]
			}
		}
		if len(p) < key.total { // the rest never came; what came is part of a message that is unsure
			for _, g := range r.gifts {
				if g.n > 0 && strings.TrimPrefix(g.to, "+") == key.to {
					text = courier.PlainSMS(g.whole)
				}
			}
		}
		count(key.to, text, most)
	}
	return copies, strange
}

// tool is a school's program: it gives a message and hears yes, or gives it again.
type tool struct {
	smpp, http string
	conn       net.Conn
	sequence   uint32
	client     http.Client
}

// errNotThere: nobody listens, so nothing was given.
var errNotThere = errors.New("nobody is there")

func (o *tool) hangUp() {
	if o.conn != nil {
		o.conn.Close()
		o.conn = nil
	}
	o.client.CloseIdleConnections()
}

func (o *tool) give(g *gift) (id string, err error) {
	if !g.smpp {
		return o.post(g)
	}
	if id, err = o.submit(g); err != nil {
		o.hangUp()
	}
	return id, err
}

func (o *tool) post(g *gift) (string, error) {
	o.client.Timeout = 10 * time.Second
	req, err := http.NewRequest(http.MethodPost, "http://"+o.http+"/messages", strings.NewReader(url.Values{"to": {g.to}, "text": {g.text}, "from": {"LYCEE"}}.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("outil", "ardoises")
	res, err := o.client.Do(req)
	if err != nil {
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" {
			return "", errNotThere
		}
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusAccepted {
		return "", fmt.Errorf("%d %q: %w", res.StatusCode, b, err)
	}
	_, id, _ := strings.Cut(string(b), `"id":"`)
	id, _, ok := strings.Cut(id, `"`)
	if !ok {
		return "", fmt.Errorf("no id in %q", b)
	}
	return id, nil
}

// submit gives a message by SMPP, in Latin-1, over a connection that stays.
func (o *tool) submit(g *gift) (string, error) {
	if o.conn == nil {
		conn, err := net.Dial("tcp", o.smpp)
		if err != nil {
			return "", errNotThere
		}
		o.conn, o.sequence = conn, 0
		if _, err := o.ask(0x09, []byte("outil\x00ardoises\x00\x00\x34\x00\x00\x00")); err != nil {
			return "", err
		}
	}
	var text []byte
	class := byte(0)
	if g.n > 0 {
		class, text = 0x40, []byte{5, 0, 3, 9, 2, g.n}
	}
	for _, r := range g.text {
		text = append(text, byte(r)) // Latin-1 begins as Unicode does
	}
	body := []byte("\x00\x05\x00LYCEE\x00\x01\x01" + strings.TrimPrefix(g.to, "+") + "\x00")
	body = append(body, class, 0, 0, 0, 0, 1, 0, 3, 0, byte(len(text)))
	b, err := o.ask(0x04, append(body, text...))
	return strings.TrimSuffix(string(b), "\x00"), err
}

// ask says a PDU and reads until its answer, which is a yes, or an error.
func (o *tool) ask(command uint32, body []byte) ([]byte, error) {
	_ = o.conn.SetDeadline(time.Now().Add(10 * time.Second))
	o.sequence++
	if err := o.say(command, o.sequence, body); err != nil {
		return nil, err
	}
	for {
		var head [16]byte
		if _, err := io.ReadFull(o.conn, head[:]); err != nil {
			return nil, err
		}
		length, got := binary.BigEndian.Uint32(head[:]), binary.BigEndian.Uint32(head[4:])
		status, sequence := binary.BigEndian.Uint32(head[8:]), binary.BigEndian.Uint32(head[12:])
		b := make([]byte, length-16)
		if _, err := io.ReadFull(o.conn, b); err != nil {
			return nil, err
		}
		switch {
		case got == command|1<<31 && sequence == o.sequence:
			if status != 0 {
				return nil, fmt.Errorf("status %d", status)
			}
			return b, nil
		case got == 0x05 || got == 0x15: // a receipt, or are you there
			answer := []byte{0} // a message_id that means nothing
			if got == 0x15 {
				answer = nil
			}
			if err := o.say(got|1<<31, sequence, answer); err != nil {
				return nil, err
			}
		}
	}
}

func (o *tool) say(command, sequence uint32, body []byte) error {
	b := binary.BigEndian.AppendUint32(nil, uint32(16+len(body)))
	b = binary.BigEndian.AppendUint32(b, command)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, sequence)
	_, err := o.conn.Write(append(b, body...))
	return err
}
