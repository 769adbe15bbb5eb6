package drill

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// saintPhilippe is the school that "does not use this system this year": a queue of last
// year, a clock that moved, a database put back, a folder copied, a school put in service
// for the first time with its whole directory. Nothing may leave, and the office must read
// why. Where the message was somebody else's, the school can say so to everybody in three
// minutes.
func saintPhilippe(ctx context.Context, r *replay) error {
	h, err := r.newHouse(ctx, r.scaled(600, 60), 0)
	if err != nil {
		return err
	}
	if err := h.enterService(ctx); err != nil {
		return err
	}
	if err := h.underFire(ctx); err != nil {
		return err
	}
	if err := h.ordinaryDay(h.town.Tuesday, ordinaryAbsence); err != nil {
		return err
	}
	for _, act := range []func(context.Context, *replay, *house) error{queueOfLastYear, restored, copied, clockBack} {
		if err := act(ctx, r, h); err != nil {
			return err
		}
	}
	if err := firstService(ctx, r); err != nil {
		return err
	}
	if err := deny(ctx, r, h); err != nil {
		return err
	}
	r.figure("held", r.figures["queued"])
	return h.finish(ctx)
}

// withQueue gives a copy of the house in which letters wait: the centre and the mail server
// were away when they should have left, and the program was ended by the machine.
func (h *house) withQueue(ctx context.Context, name string, day time.Time) (q *house, waits []saying, err error) {
	if q, err = h.copyTo(name); err != nil {
		return nil, nil, err
	}
	// It is moved openly, by two persons: the copy is the installation from here on.
	q.sink.shut(true)
	if err := q.start(ctx, h.clock(day, "07:50")); err != nil {
		return nil, nil, err
	}
	if err := q.arm(); err != nil {
		return nil, nil, err
	}
	if err := q.at(h.clock(day, "08:06")); err != nil {
		return nil, nil, err
	}
	absent := h.withFamilies(day, max(3, h.share(ordinaryAbsence)))
	if _, err := q.callAll(day, func(p string) bool { return slices.Contains(absent, p) }); err != nil {
		return nil, nil, err
	}
	if err := q.at(h.clock(day, "08:18")); err != nil {
		return nil, nil, err
	}
	if err := q.prog.command("rest 2s"); err == nil {
		return nil, nil, errors.New("nothing waits, with a centre and a mail server that take nobody in")
	}
	q.kill()
	for _, p := range absent {
		h.replay.addTo("queued", len(h.book.addresses(p)))
	}
	q.sink.shut(false)
	return q, h.toSay(absence, day, absent), nil
}

// empties lets a queue leave, as it should have: the program is started again, its pause
// passes, and each family is told once.
func (q *house) empties(ctx context.Context, day time.Time, waits []saying) error {
	before := q.sink.count()
	if err := q.start(ctx, q.clock(day, "08:19")); err != nil {
		return err
	}
	// Its pause begins when it looks at the queue, which may be after the first step.
	for _, at := range []string{"08:21", "08:23"} {
		if err := q.at(q.clock(day, at)); err != nil {
			return err
		}
		if err := q.rest(); err != nil {
			return err
		}
	}
	t := q.judge(q.sink.since(before), waits)
	n, err := q.unexplained(ctx, q.sink.since(before))
	if err != nil {
		return err
	}
	q.replay.addTo("unexplained", n)
	q.replay.accounted = append(q.replay.accounted, [2]int{before, q.sink.count()})
	q.replay.say("sent", "its queue leaves once: %d messages", t.right)
	return nil
}

// copyTo copies the data folder, as somebody who clones a server does. The carrier's account
// is the same: so is the sink.
func (h *house) copyTo(name string) (*house, error) {
	q := &house{DrillHouse: h.DrillHouse, replay: h.replay, town: h.town, book: h.book, zone: h.zone, data: filepath.Join(h.owns, name), sink: h.sink, people: map[string]*person{}, core: h.core, comers: h.comers}
	if err := os.CopyFS(q.data, os.DirFS(h.data)); err != nil {
		return nil, err
	}
	if err := os.Chmod(q.data, 0o700); err != nil {
		return nil, err
	}
	for _, secret := range []string{"carriers/password", "journal.key", "session.key", "live.key"} {
		if err := os.Chmod(filepath.Join(q.data, secret), 0o600); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// arm lifts the fence as two persons do.
func (h *house) arm() error {
	if _, err := h.press(h.town.Cast.Head, "/stop", "do", "arm-ask"); err != nil {
		return err
	}
	_, err := h.press(h.town.Cast.CPE, "/stop", "do", "arm")
	return err
}

// silent waits through the start's pause and an hour of the program's clock, and counts what
// reached the sink and what the office reads about it.
func (h *house) silent(r *replay, act string, before int) error {
	says, began := false, time.Now()
	for ; !says && time.Since(began) < time.Minute; time.Sleep(lookEvery) {
		text, err := h.see(h.town.Cast.Office, "/")
		if err != nil {
			return err
		}
		says = locked(text)
	}
	r.figures["detected_s"] = max(r.figures["detected_s"], round(time.Since(began).Seconds()))
	if err := h.at(h.now.Add(2 * time.Minute)); err != nil {
		return err
	}
	if err := h.rest(); err != nil {
		return err
	}
	if err := h.at(h.now.Add(time.Hour)); err != nil {
		return err
	}
	if err := h.rest(); err != nil {
		return err
	}
	r.leak(h.sink, act)
	n := h.sink.count() - before
	r.addTo("wrong_messages", n)
	r.is(act, n, 0)
	r.is(act+"_said", map[bool]int{true: 1}[says], 1)
	r.say("held", "%s: %d messages; the office %s", strings.ReplaceAll(act, "_", " "), n, map[bool]string{true: "reads why", false: "does not read why"}[says])
	return nil
}

// locked tells whether a page of the office says that nothing leaves, and where to decide.
func locked(text string) bool {
	return strings.Contains(text, `href="/stop"`) && strings.Contains(words(text), "Rien ne part")
}

// queueOfLastYear: letters wait, and the program is started again the next autumn.
func queueOfLastYear(ctx context.Context, r *replay, h *house) error {
	if err := h.stop(); err != nil {
		return err
	}
	day := h.town.Tuesday.AddDate(0, 0, 2)
	q, _, err := h.withQueue(ctx, "last-year", day)
	if err != nil {
		return err
	}
	before := h.sink.count()
	if err := q.start(ctx, h.clock(time.Date(2027, time.October, 12, 8, 0, 0, 0, h.zone), "09:15")); err != nil {
		return err
	}
	if err := q.silent(r, "queue_of_last_year", before); err != nil {
		return err
	}
	return q.stop()
}

// restored: the folder's database is one of a quarter of an hour before, put back after a
// failure. What waits in it has left.
func restored(ctx context.Context, r *replay, h *house) error {
	day := h.town.Tuesday.AddDate(0, 0, 2)
	q, waits, err := h.withQueue(ctx, "restored", day)
	if err != nil {
		return err
	}
	old := filepath.Join(q.data, "kept.db")
	if err := copyDatabase(filepath.Join(q.data, "preau.db"), old); err != nil {
		return err
	}
	if err := q.empties(ctx, day, waits); err != nil {
		return err
	}
	if err := q.stop(); err != nil {
		return err
	}
	if err := copyDatabase(old, filepath.Join(q.data, "preau.db")); err != nil {
		return err
	}
	before := h.sink.count()
	clear(q.people) // who signed in since is not known to it
	if err := q.start(ctx, h.clock(day, "08:30")); err != nil {
		return err
	}
	if err := q.silent(r, "restored_database", before); err != nil {
		return err
	}
	return q.stop()
}

// copied: the folder is copied to another place with its queue, and started there while the
// original, which has told those families meanwhile, is connected to the carrier.
func copied(ctx context.Context, r *replay, h *house) error {
	day := h.town.Tuesday.AddDate(0, 0, 2)
	q, waits, err := h.withQueue(ctx, "original", day)
	if err != nil {
		return err
	}
	q.owns = h.owns
	c, err := q.copyTo("copied")
	q.owns = ""
	if err != nil {
		return err
	}
	if err := q.empties(ctx, day, waits); err != nil {
		return err
	}
	c.beside = true
	before, refused := h.sink.count(), h.sink.smpp.secondBinds()
	if err := c.start(ctx, h.clock(day, "08:24")); err != nil {
		return err
	}
	if err := c.silent(r, "copied_folder", before); err != nil {
		return err
	}
	r.atLeast("copied_folder_refused_by_the_carrier", h.sink.smpp.secondBinds()-refused, 1)
	text, err := q.see(h.town.Cast.Office, "/")
	if err != nil {
		return err
	}
	r.is("copied_folder_disturbs_the_original", map[bool]int{true: 1}[locked(text)], 0)
	return errors.Join(c.stop(), q.stop())
}

// clockBack: the machine's clock is behind what the journal has.
func clockBack(ctx context.Context, r *replay, h *house) error {
	day := h.town.Tuesday.AddDate(0, 0, 2)
	q, _, err := h.withQueue(ctx, "clock", day)
	if err != nil {
		return err
	}
	before := h.sink.count()
	if err := q.start(ctx, h.clock(day, "07:30")); err != nil {
		return err
	}
	if err := q.silent(r, "clock_behind", before); err != nil {
		return err
	}
	return q.stop()
}

// firstService: a school that never was in service, with its whole directory.
func firstService(ctx context.Context, r *replay) error {
	h, err := r.newHouse(ctx, r.scaled(600, 60), 1)
	if err != nil {
		return err
	}
	day, c := h.town.Tuesday, h.town.Cast
	if err := h.start(ctx, h.clock(day, "08:00")); err != nil {
		return err
	}
	refused, err := h.refused(c.Head, "/service", "do", "ask", "until", "2027-07-04")
	if err != nil {
		return err
	}
	r.is("put_in_service_without_a_rehearsal", map[bool]int{false: 1}[refused], 0)
	noted := 0
	for _, rehearsing := range []bool{false, true} {
		if rehearsing {
			if _, err := h.press(c.Head, "/rehearsal", "do", "start"); err != nil {
				return err
			}
			day = day.AddDate(0, 0, 1)
		}
		if err := h.at(h.clock(day, "08:06")); err != nil {
			return err
		}
		absent, err := h.callAll(day, h.drawn(ordinaryAbsence))
		if err != nil {
			return err
		}
		noted += len(absent)
		if err := h.at(h.clock(day, "08:25")); err != nil {
			return err
		}
		if err := h.rest(); err != nil {
			return err
		}
	}
	r.leak(h.sink, "first_service")
	n := h.sink.count()
	r.addTo("wrong_messages", n)
	r.is("first_service", n, 0)
	text, err := h.see(c.Office, "/")
	if err != nil {
		return err
	}
	r.is("first_service_said", map[bool]int{true: 1}[strings.Contains(words(text), "Répétition")], 1)
	r.say("held", "never in service: %d absences before and in a rehearsal, %d messages", noted, n)
	return h.stop()
}

// deny: a message that is not ours went out. Two persons say so to everybody.
func deny(ctx context.Context, r *replay, h *house) error {
	day := h.town.Tuesday.AddDate(0, 0, 2)
	if err := h.start(ctx, h.clock(day, "09:20")); err != nil {
		return err
	}
	// Is it ours? One command says so, of every message that there ever was.
	ours := h.sink.all()[0]
	for _, one := range []struct {
		figure, message string
		known           bool
	}{{"our_message_told_as_ours", ours.reference(), true}, {"another_message_told_as_ours", "ZZZZZZZ", false}} {
		known, err := h.explained(ctx, one.message)
		if err != nil {
			return err
		}
		r.is(one.figure, map[bool]int{true: 1}[known], map[bool]int{true: 1}[one.known])
	}
	c := h.town.Cast
	text, err := h.see(c.Head, "/notices/new?text=denial&choice=roll-made&level=whole+school")
	if err != nil {
		return err
	}
	form, err := formTo(text, "/notices")
	if err != nil {
		return err
	}
	p, err := h.as(c.Head)
	if err != nil {
		return err
	}
	status, text, err := p.post("/notices", form)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("the denial was refused: %d %w: %s", status, err, words(text))
	}
	_, after, ok := strings.Cut(text, `action="/notices/`)
	if !ok {
		if text, err = h.see(c.CPE, "/notices"); err != nil {
			return err
		}
		if _, after, ok = strings.Cut(text, `href="/notices/`); !ok {
			return fmt.Errorf("the denial is nowhere: %s", words(text))
		}
	}
	id, _, _ := strings.Cut(after, `"`)
	before, pressed := h.sink.count(), time.Now()
	if _, err := h.press(c.CPE, "/notices/"+id, "do", "confirm"); err != nil {
		return err
	}
	if err := h.rest(); err != nil {
		return err
	}
	var first, last time.Time
	people := map[string]bool{}
	for _, m := range h.sink.since(before) {
		if m.kind() != denial {
			r.addTo("wrong_messages", 1)
		}
		if first.IsZero() {
			first = m.At
		}
		last = m.At
		if people[m.To] {
			r.addTo("duplicates", 1)
		}
		people[m.To] = true
	}
	// Everybody who may be told about some pupil hears of it, wherever a message reaches them.
	want, missed, beyond := map[string]bool{}, 0, 0
	for _, p := range h.book.pupils {
		for _, e := range h.book.of(p) {
			for _, to := range e.at {
				want[to] = true
			}
			if len(e.at) > 0 && !slices.ContainsFunc(e.at, func(to string) bool { return people[to] }) {
				missed++
			}
		}
	}
	for to := range people {
		if !want[to] {
			beyond++
		}
	}
	r.addTo("wrong_messages", beyond)
	r.atLeast("denial_addresses", len(people), 1)
	r.is("denial_missed", missed, 0)
	r.within("slowest_correction_s", last.Sub(pressed), 180*time.Second)
	r.say("corrected", "the denial reaches %d addresses, the first %.2f s and the last %.1f s after the second person's press", len(people), first.Sub(pressed).Seconds(), last.Sub(pressed).Seconds())
	return nil
}

// copyDatabase copies a SQLite file, with what it has not written back yet.
func copyDatabase(from, to string) error {
	for _, end := range []string{"", "-wal", "-shm"} {
		b, err := os.ReadFile(from + end)
		if os.IsNotExist(err) {
			os.Remove(to + end)
			continue
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(to+end, b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
