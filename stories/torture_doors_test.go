package stories

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
	"github.com/preau-ent/preau/peers"
)

// TestTortureDoors tries random mornings on which people press what holds and takes back
// (stop, lift, correction, release, fence, arm, another roll) while programs are killed at
// random steps, one or two of them, and the centre and the mail server fail. It counts at
// the far sides: no SMS twice, none to another number, nothing that began to leave behind a
// closed door, nobody who was told and is not told of the end, nobody lost in silence.
func TestTortureDoors(t *testing.T) {
	met := &met{by: map[string]int{}}
	// A run waits most of its time: several are lived beside one another, each with far sides
	// of its own.
	t.Run("mornings", func(t *testing.T) {
		for lane := range doorLanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				mail := peers.SMTP(t)
				centre := peers.SMPP(t, peers.SMSCentreOptions{SystemID: "preau", Password: "secret", Receipts: peers.SMSDelivered})
				for seed := lane; seed < tortureRuns(t); seed += doorLanes {
					engine := database.SQLite
					if seed%3 == 2 {
						engine = database.Postgres
					}
					step := doorSteps[seed%len(doorSteps)]
					t.Run(fmt.Sprintf("%04d-%s-%s", seed, step, engine), func(t *testing.T) {
						d := newDoorway(t, uint64(seed), engine, mail, centre, met)
						d.run(step)
						d.judgeDoors()
					})
				}
			})
		}
	})
	t.Logf("met: %v", met.by)
	for _, what := range []string{"stop", "lock", "release", "correction", "tripped", "followed", "telephoned"} {
		if met.by[what] == 0 && !testing.Short() {
			t.Errorf("no run met: %s", what)
		}
	}
}

const doorLanes = 4

// met counts what the runs met: a test that never met it could not fail.
type met struct {
	mu sync.Mutex
	by map[string]int
}

func (m *met) add(what string) {
	m.mu.Lock()
	m.by[what]++
	m.mu.Unlock()
}

var doorSteps = append(slices.Clone(tortureSteps), alert.StepCorrected)

// doorway is one such morning.
type doorway struct {
	*killing
	centre *peers.SMSCentre
	seen   int
	app    *app.App // the pages that people press, on a node of their own
	clock  *app.Clock
	acts   []func() error
	ticks  int
	quiet  int  // ticks since nothing is left to be done
	late   bool // the quarter of an hour has passed after which what is held is telephoned
	met    *met
}

func newDoorway(t *testing.T, seed uint64, engine database.Engine, mail *peers.MailServer, centre *peers.SMSCentre, met *met) *doorway {
	d := &doorway{killing: newKilling(t, seed+50_000, engine, mail), centre: centre, seen: len(centre.Messages()), met: met}
	data, _ := strings.CutPrefix(d.env[0], childData+"=")
	writeFile(t, data+"/carriers", "secret", "secret")
	writeFile(t, data+"/carriers", "centre.json", map[string]any{"kind": "smpp", "sender": "LYCEE", "answer_seconds": 1,
		"smpp":    map[string]any{"host": centre.Host(), "port": centre.Port(), "tls": "none", "system_id": "preau", "window": 1 + d.random.IntN(4)},
		"secrets": map[string]any{"password": map[string]any{"file": "secret"}}})
	programs := 1
	if engine == database.Postgres && d.random.IntN(2) == 0 {
		programs = 2
	}
	for range programs {
		d.addrs = append(d.addrs, freeAddr(t))
	}
	config := app.Config{Data: data, Addr: "127.0.0.1:0"}
	for _, v := range d.env {
		if source, ok := strings.CutPrefix(v, childDatabase+"="); ok {
			config.Database = source
		}
	}
	d.clock = app.NewClock(d.now)
	var err error
	if d.app, err = app.Open(t.Context(), config, app.Options{Log: slog.New(slog.DiscardHandler), Clock: d.clock, For: app.Installing}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.app.Close() })
	d.release = func() { centre.Release(); mail.Release() }
	d.patience = func(busy int) time.Duration {
		switch {
		case busy%120 == 119:
			d.release()
			return time.Second
		case busy%60 == 59: // two thirds of a second in which nothing was finished
			return 130 * time.Second
		}
		return 0
	}
	d.rests = d.tick
	return d
}

func (d *doorway) run(step string) {
	var some []peers.SMSFault
	for range d.random.IntN(3) {
		some = append(some, smsFaults[d.random.IntN(len(smsFaults))])
	}
	d.centre.Plan(some...)
	d.server.Plan()
	if d.random.IntN(2) == 0 {
		d.server.Plan(faults[d.random.IntN(len(faults))])
	}
	for range 1 + d.random.IntN(2) {
		d.draw(2 + d.random.IntN(3))
		at := []string{step + " " + fmt.Sprint(1+d.random.IntN(3))}
		if len(d.addrs) == 2 {
			at = append(at, doorSteps[d.random.IntN(len(doorSteps))]+" "+fmt.Sprint(1+d.random.IntN(3)))
		}
		d.clock.Set(d.now)
		d.quiet = 0
		d.live(at...)
		d.now = d.now.Add(2 * time.Second)
	}
	// Everybody does what is left to be done, and the morning ends.
	d.acts = append(d.acts, d.arm, d.lift, d.letGo)
	d.late = true
	d.clock.Set(d.now)
	d.quiet = 0
	d.live(make([]string, len(d.addrs))...)
}

// draw draws what people do in a part of the morning.
func (d *doorway) draw(n int) {
	all := []func() error{d.stop, d.stop, d.lift, d.everybody, d.everybody, d.letGo, d.walksIn, d.correct, d.lock, d.arm}
	for range n {
		d.acts = append(d.acts, all[d.random.IntN(len(all))])
	}
}

// tick lets people act from time to time, and tells whether there is nothing left to do.
func (d *doorway) tick() (idle bool, wait time.Duration) {
	d.ticks++
	idle, wait = d.idleBehindDoors()
	if len(d.acts) > 0 && (d.ticks%9 == 0 || idle) {
		act := d.acts[0]
		d.acts, d.quiet = d.acts[1:], 0
		if err := act(); err != nil {
			d.t.Fatal(err)
		}
		return false, 0
	}
	if idle && len(d.acts) == 0 && d.late {
		d.late, d.quiet = false, 0 // what is still held is telephoned
		d.clock.Advance(16 * time.Minute)
		return false, 16 * time.Minute
	}
	d.clock.Advance(wait)
	return idle && len(d.acts) == 0, wait
}

// idleBehindDoors is idle, with what waits behind a closed door left waiting.
func (d *doorway) idleBehindDoors() (idle bool, wait time.Duration) {
	err := d.db.Read(d.t.Context(), func(ctx context.Context, tx database.Tx) error {
		rests, err := alert.AtRest(ctx, tx, d.clock.Now())
		if err != nil || !rests {
			return err
		}
		var open, stopped int
		for q, n := range map[string]*int{
			"SELECT count(*) FROM courier_letters WHERE state = 'leaving' OR (state = 'waiting' AND held_by = '' AND kind <> 'absence')": &open,
			"SELECT count(*) FROM courier_stops WHERE lifted_at IS NULL":                                                                 &stopped,
		} {
			if err := tx.NewRaw(q).Scan(ctx, n); err != nil {
				return err
			}
		}
		if stopped == 0 {
			var waiting int
			if err := tx.NewRaw("SELECT count(*) FROM courier_letters WHERE state = 'waiting' AND held_by = '' AND kind = 'absence'").Scan(ctx, &waiting); err != nil {
				return err
			}
			open += waiting
		}
		letters, err := d.lettersOf(ctx, tx)
		if err != nil {
			return err
		}
		for _, l := range letters {
			silent := l.State == courier.Leaving && d.db.Engine() == database.Postgres
			if stopped == 0 && courier.MayTryAgain(l, d.clock.Now()) && l.HeldBy == "" || l.State == courier.Waiting && l.Attempts > 0 || silent {
				wait = 20 * time.Second
			}
		}
		idle = open == 0 && wait == 0
		if !idle {
			d.quiet = 0
			return nil
		}
		// Who is to be telephoned is found by the next look, a second later at most: whoever
		// is missing by then is missing.
		missing, err := d.missing(ctx, tx, letters)
		if d.quiet++; missing && d.quiet < 300 {
			idle = false
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return idle, wait
}

// missing tells whether somebody of an absent pupil was neither told nor is telephoned yet,
// or was told and does not hear of the end.
func (d *doorway) missing(ctx context.Context, tx database.Tx, letters []courier.Letter) (bool, error) {
	episodes, err := alert.OfDay(ctx, tx, d.town.School.ID, d.day())
	if err != nil {
		return false, err
	}
	var rows []struct{ Episode, Adult string }
	if err := tx.NewRaw("SELECT episode, adult FROM alert_calls").Scan(ctx, &rows); err != nil {
		return false, err
	}
	for _, e := range episodes {
		for _, adult := range entitledTo[e.Pupil] {
			well := slices.ContainsFunc(rows, func(c struct{ Episode, Adult string }) bool { return c.Episode == e.ID && c.Adult == adult })
			for _, l := range letters {
				if l.Ref != e.ID || l.Person != adult {
					continue
				}
				ended := l.Kind != courier.Absence
				well = well || ended == (e.State == alert.Over) && (l.State == courier.Left || l.State == courier.Delivered)
			}
			left := slices.ContainsFunc(letters, func(l courier.Letter) bool {
				return l.Ref == e.ID && l.Person == adult && l.Kind == courier.Absence && l.State.MayHaveLeft()
			})
			if !well && e.State != alert.Withdrawn && (e.State != alert.Over || left) {
				return true, nil
			}
		}
	}
	return false, nil
}

func (d *doorway) lettersOf(ctx context.Context, tx database.Tx) ([]courier.Letter, error) {
	rows, err := alert.OfDay(ctx, tx, d.town.School.ID, d.day())
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(rows))
	for i, e := range rows {
		ids[i] = e.ID
	}
	return courier.About(ctx, tx, d.town.School.ID, ids)
}

func (d *doorway) day() string { return d.town.Tuesday.Format(time.DateOnly) }

// in is one request of somebody; what cannot be done any more is refused, and nothing is.
func (d *doorway) in(what string, fn func(ctx context.Context, tx database.Tx) error) error {
	err := d.app.DB.InSchool(d.t.Context(), d.town.School.ID, fn)
	for _, refused := range []error{courier.ErrOpen, courier.ErrSecond, alert.ErrNothingHeld, alert.ErrNothingSaid, alert.ErrTired, alert.ErrConcerned} {
		if errors.Is(err, refused) {
			return nil
		}
	}
	if err == nil {
		d.met.add(what)
	}
	return err
}

func (d *doorway) stop() error {
	return d.in("stop", func(ctx context.Context, tx database.Tx) error {
		_, err := d.app.Courier.Stop(ctx, tx, d.town.School.ID, "office", d.clock.Now())
		return err
	})
}

func (d *doorway) lift() error {
	return d.in("lift", func(ctx context.Context, tx database.Tx) error {
		if err := d.app.Courier.AskLift(ctx, tx, d.town.School.ID, "office", d.clock.Now()); err != nil {
			return err
		}
		return d.app.Courier.Lift(ctx, tx, d.town.School.ID, "cpe", d.clock.Now())
	})
}

func (d *doorway) lock() error {
	d.met.add("lock")
	return d.app.Courier.LockAll(d.t.Context(), courier.WhyTripwire)
}

func (d *doorway) arm() error {
	return d.in("arm", func(ctx context.Context, tx database.Tx) error {
		if err := d.app.Courier.AskUnlock(ctx, tx, d.town.School.ID, "head", d.clock.Now()); err != nil {
			return err
		}
		return d.app.Courier.Unlock(ctx, tx, d.town.School.ID, "cpe", d.clock.Now())
	})
}

func (d *doorway) correct() error {
	return d.in("correction", func(ctx context.Context, tx database.Tx) error {
		_, err := d.app.Alert.PressCorrection(ctx, tx, d.town.School.ID, d.day()+"/am", "maths", "office", d.clock.Now())
		return err
	})
}

// everybody: the whole roll is saved absent, which no teacher ever does.
func (d *doorway) everybody() error {
	return d.save("everybody", func(string) attendance.Value { return attendance.Absent })
}

// walksIn: somebody arrives.
func (d *doorway) walksIn() error {
	who := []string{"lea", "malo", "ewen", "nora", "awa"}[d.random.IntN(5)]
	return d.save("walked in", func(p string) attendance.Value {
		if p == who {
			return attendance.Late
		}
		return ""
	})
}

// save saves the roll as its teacher does.
func (d *doorway) save(what string, say func(string) attendance.Value) error {
	return d.in(what, func(ctx context.Context, tx database.Tx) error {
		s, err := timetable.ByID(ctx, tx, d.town.School.ID, "maths")
		if err != nil {
			return err
		}
		people, err := timetable.Pupils(ctx, tx, d.town.School.ID, s)
		if err != nil {
			return err
		}
		current, err := attendance.Current(ctx, tx, d.town.School.ID, "maths")
		if err != nil {
			return err
		}
		save := attendance.Save{School: d.town.School.ID, Sitting: s.ID, Day: s.Day, By: "roy", Origin: attendance.FromRoll}
		for _, p := range people {
			k := current[p.ID]
			e := attendance.Entry{Pupil: p.ID, Value: attendance.Present, Base: k.N}
			if k.N > 0 {
				e.Value, e.Minutes = k.Value, k.Minutes
			}
			if v := say(p.ID); v != "" {
				e.Value, e.Minutes = v, 0
			}
			if e.Value == attendance.Late && e.Minutes == 0 {
				e.Minutes = 10
			}
			save.Pupils, save.Entries = append(save.Pupils, p.ID), append(save.Entries, e)
		}
		_, err = attendance.SaveRoll(ctx, tx, d.app.Journal, d.clock.Now(), save)
		return err
	})
}

// letGo: one asks, another looks into the room and answers what is true.
func (d *doorway) letGo() error {
	school := d.town.School.ID
	return d.in("release", func(ctx context.Context, tx database.Tx) error {
		if err := d.app.Alert.AskRelease(ctx, tx, school, "maths", "cpe", d.clock.Now()); err != nil {
			return err
		}
		h, err := alert.HeldNow(ctx, tx, school, d.day(), "maths")
		if err != nil {
			return err
		}
		current, err := attendance.Current(ctx, tx, school, "maths")
		if err != nil {
			return err
		}
		w := alert.Word{Expected: -1, Absent: map[string]bool{}}
		for _, p := range h.Request.DrawnPupils() {
			w.Absent[p] = current[p].Value == attendance.Absent
		}
		_, err = d.app.Alert.AnswerRelease(ctx, tx, school, "maths", "head", nil, w, d.clock.Now())
		return err
	})
}

// entitledTo are the persons who may hear of each pupil of the class.
var entitledTo = map[string][]string{"lea": {"nadia", "karim"}, "malo": {"adeline"}, "ewen": {"sylvie"}, "nora": {"tarek"}, "awa": {}}

// doorLine is a line of the journal that opens or closes a door, or lets a letter begin.
type doorLine struct {
	Seq     int64
	Act     string
	Subject string
}

// judgeDoors counts at the centre and the mail server, and asks the journal, which cannot be
// changed, in what order things began.
func (d *doorway) judgeDoors() {
	d.t.Helper()
	var letters []courier.Letter
	var episodes []alert.Episode
	var lines []doorLine
	called := map[[2]string]bool{} // episode and adult
	answers := map[string]string{} // letter → the letter that it answers
	address := map[string]string{}
	err := d.db.Read(d.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if letters, err = d.lettersOf(ctx, tx); err != nil {
			return err
		}
		for _, l := range letters {
			p, err := directory.PointByID(ctx, tx, d.town.School.ID, l.Contact)
			if err != nil {
				return err
			}
			address[l.ID] = p.Address
		}
		if episodes, err = alert.OfDay(ctx, tx, d.town.School.ID, d.day()); err != nil {
			return err
		}
		var rows []struct{ Episode, Adult string }
		if err := tx.NewRaw("SELECT episode, adult FROM alert_calls").Scan(ctx, &rows); err != nil {
			return err
		}
		for _, c := range rows {
			called[[2]string{c.Episode, c.Adult}] = true
		}
		var vouched []struct{ Letter, Answers string }
		if err := tx.NewRaw("SELECT letter, answers FROM alert_letters WHERE answers IS NOT NULL").Scan(ctx, &vouched); err != nil {
			return err
		}
		for _, v := range vouched {
			answers[v.Letter] = v.Answers
		}
		return tx.NewRaw("SELECT seq, act, subject FROM journal_lines WHERE school = ? AND act IN ('stop.pressed', 'stop.lifted', 'fence.locked', 'fence.lifted', 'letter.leaving', 'breaker.tripped') ORDER BY seq", d.town.School.ID).Scan(ctx, &lines)
	})
	if err != nil {
		d.t.Fatal(err)
	}
	byID := map[string]courier.Letter{}
	for _, l := range letters {
		byID[l.ID] = l
	}
	// Nothing began to leave behind a closed door.
	stopped, locked := false, false
	for _, j := range lines {
		switch j.Act {
		case "stop.pressed", "stop.lifted":
			stopped = j.Act == "stop.pressed"
		case "fence.locked", "fence.lifted":
			locked = j.Act == "fence.locked"
		case "breaker.tripped":
			d.met.add("tripped")
		case "letter.leaving":
			if l, ours := byID[j.Subject]; locked || stopped && ours && l.Kind == courier.Absence {
				d.t.Errorf("line %d: the %s to %s began to leave behind a closed door (stopped %v, locked %v)", j.Seq, l.Kind, l.Person, stopped, locked)
			}
		}
	}
	copies, wrong := d.atTheFarSides(letters, address)
	for _, w := range wrong {
		d.t.Error(w)
	}
	followed := map[string]courier.Letter{}
	for id, of := range answers {
		followed[of] = byID[id]
	}
	for _, e := range episodes {
		for _, l := range letters {
			if l.Ref != e.ID {
				continue
			}
			n := copies[l.ID]
			what := fmt.Sprintf("the %s to %s about %s by %s (%s %s, %s; the episode is %s %s)", l.Kind, l.Person, l.Pupil, l.Channel, l.State, l.Because, e.HalfDay, e.State, e.Because)
			switch {
			case l.Channel == directory.SMS && n > 1:
				d.t.Errorf("%d copies of %s", n, what)
			case n > 2:
				d.t.Errorf("%d copies of %s", n, what)
			case (l.State == courier.Left || l.State == courier.Delivered) && n == 0:
				d.t.Errorf("nobody took %s", what)
			case (l.State == courier.Void || l.State == courier.Waiting) && n > 0:
				d.t.Errorf("%s was taken", what)
			}
			if !slices.Contains(entitledTo[l.Pupil], l.Person) {
				d.t.Errorf("%s is not entitled", what)
			}
			if l.Kind != courier.Absence {
				continue
			}
			f, has := followed[l.ID]
			switch {
			case e.State != alert.Over && has:
				d.t.Errorf("%s was taken back while it is true", what)
			case e.State == alert.Over && (e.Because == alert.Arrived || e.Because == alert.Corrected) && l.State.MayHaveLeft():
				if !has {
					d.t.Errorf("nobody is told of the end of %s", what)
					break
				}
				d.met.add("followed")
				if !(f.State == courier.Left || f.State == courier.Delivered) && !called[[2]string{e.ID, l.Person}] {
					d.t.Errorf("the end of %s is %s (%s), and nobody telephones", what, f.State, f.Because)
				}
			case has && !l.State.MayHaveLeft():
				d.t.Errorf("%s never left, and its end was told", what)
			}
		}
		if e.State == alert.Withdrawn || e.State == alert.Over {
			continue
		}
		// The pupil is absent: everybody who may be told was told, or is telephoned.
		for _, adult := range entitledTo[e.Pupil] {
			reached := slices.ContainsFunc(letters, func(l courier.Letter) bool {
				return l.Ref == e.ID && l.Person == adult && l.Kind == courier.Absence && (l.State == courier.Left || l.State == courier.Delivered)
			})
			if called[[2]string{e.ID, adult}] {
				d.met.add("telephoned")
			} else if !reached {
				d.t.Errorf("%s was not told of %s (%s %s), and nobody telephones: %s", adult, e.Pupil, e.State, e.Because, d.states(letters, e.ID, adult))
			}
		}
	}
}

// atTheFarSides counts the copies of each letter at the centre and the mail server.
func (d *doorway) atTheFarSides(letters []courier.Letter, address map[string]string) (copies map[string]int, wrong []string) {
	copies = map[string]int{}
	type whole struct {
		to         string
		ref, total int
	}
	type parts struct {
		text   map[int]string
		copies map[int]int
	}
	messages := map[whole]parts{}
	count := func(to, text string, n int) {
		for _, l := range letters {
			if l.Channel == directory.SMS && strings.Contains(text, l.Code) {
				if copies[l.ID] += n; strings.TrimPrefix(to, "+") != strings.TrimPrefix(address[l.ID], "+") {
					wrong = append(wrong, "an SMS to "+l.Person+" was taken for another number")
				}
				return
			}
		}
		wrong = append(wrong, "a message of no letter was taken: "+text)
	}
	for _, m := range d.centre.Messages()[d.seen:] {
		if m.Total == 0 {
			count(m.To, m.Text, 1)
			continue
		}
		key := whole{m.To, m.Ref, m.Total}
		p := messages[key]
		if p.text == nil {
			p = parts{map[int]string{}, map[int]int{}}
		}
		p.text[m.Part] = m.Text
		p.copies[m.Part]++
		messages[key] = p
	}
	for key, p := range messages {
		text, most := "", 0
		for n := 1; n <= key.total; n++ {
			text, most = text+p.text[n], max(most, p.copies[n])
		}
		count(key.to, text, most)
	}
	for _, m := range d.server.Messages()[d.before:] {
		i := slices.IndexFunc(letters, func(l courier.Letter) bool { return "<"+l.MessageID+">" == m.MessageID() })
		if i < 0 || !slices.Equal(m.To, []string{address[letters[i].ID]}) {
			wrong = append(wrong, fmt.Sprintf("an e-mail to %v is nobody's", m.To))
			continue
		}
		copies[letters[i].ID]++
	}
	return copies, wrong
}

// states says what became of somebody's letters about an episode.
func (d *doorway) states(letters []courier.Letter, episode, adult string) string {
	var out []string
	for _, l := range letters {
		if l.Ref == episode && l.Person == adult {
			out = append(out, fmt.Sprintf("%s %s %s %q held by %q", l.Kind, l.Channel, l.State, l.Because, l.HeldBy))
		}
	}
	return strings.Join(out, "; ")
}
