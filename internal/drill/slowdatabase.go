package drill

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"

	"time"

	_ "modernc.org/sqlite" // a program of its own on the same file
)

// slowDatabase is a first bell on which the database is ten times slower for a third of the
// time. Nothing of the program is changed: another process's connection to the same SQLite
// file takes the one place there is to write, so that each write waits for it first. Reading
// goes on as before, which is what this file's journal promises; a slow disk would slow it too.
func slowDatabase(ctx context.Context, r *replay) error {
	back, err := r.apart()
	if err != nil {
		return err
	}
	defer back()
	n := r.scaled(15_000, 600)
	within := eureFor(n)
	h, err := r.crowdOf(ctx, n)
	if err != nil {
		return err
	}
	if err := h.open(ctx); err != nil {
		return err
	}
	c := h.newCrowd(h.draw(n), within, r.usual(0.3))
	w := wave{crowd: c, teachers: h.newTeachers(c, len(h.comers["teacher"]), within)}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	o, err := newOtherWriter(filepath.Join(h.data, "preau.db"))
	if err != nil {
		return err
	}
	defer o.close()
	usual, err := o.measure(ctx)
	if err != nil {
		return err
	}
	r.say("fault", "%d people begin to come, %d a second, and %d teachers; a write takes %.1f ms", n, eureRate, len(w.teachers.people), ms(usual))
	slow := make(chan error, 1)
	go func() {
		if err := rest(ctx, within/3); err != nil {
			slow <- err
			return
		}
		slow <- o.occupy(ctx, within/3, 9*max(usual, leastWrite))
	}()
	w.live(ctx, within+8*time.Minute)
	if err := <-slow; err != nil {
		return err
	}
	before, meanwhile, after := w.teachers.saves(time.Time{}, o.began), w.teachers.saves(o.began, o.ended), w.teachers.saves(o.ended, w.over)
	r.say("fault", "for %.0f s another program wrote %d times to the same file, %.1f ms each: half of the rolls took %.0f ms before, %.0f ms meanwhile, %.0f ms after", o.ended.Sub(o.began).Seconds(), len(o.took), ms(percentile(o.took, 50)), ms(before), ms(meanwhile), ms(after))
	r.said(w)
	r.figure("other_write_ms", ms(percentile(o.took, 50)))
	r.figure("roll_save_p50_ms_before", ms(before))
	r.figure("roll_save_p50_ms_meanwhile", ms(meanwhile))
	r.figure("roll_save_p50_ms_after", ms(after))
	return r.judgeEure(ctx, h, w, within)
}

func ms(d time.Duration) float64 { return round(float64(d) / float64(time.Millisecond)) }

// leastWrite is what saving a roll takes of the one place to write, where the disk is fast.
const leastWrite = 2 * time.Millisecond

// otherWriter is another program that writes to the same file.
type otherWriter struct {
	db           *sql.DB
	version      int
	began, ended time.Time       // of the time in which it did
	took         []time.Duration // a write as seen from outside: waiting for its place, holding it, the disk
}

func newOtherWriter(file string) (*otherWriter, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(20000)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	o := &otherWriter{db: db}
	if err := db.QueryRow("PRAGMA user_version").Scan(&o.version); err != nil {
		db.Close()
		return nil, fmt.Errorf("the other writer: %w", err)
	}
	return o, nil
}

func (o *otherWriter) close() { o.db.Close() }

// write writes once, and holds the place for a while.
func (o *otherWriter) write(ctx context.Context, hold time.Duration) error {
	tx, err := o.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec(fmt.Sprint("PRAGMA user_version = ", o.version)); err != nil { // a page is written, and nothing has changed
		return err
	}
	if err := rest(ctx, hold); err != nil {
		return err
	}
	return tx.Commit()
}

// measure is what a write takes while nobody else writes.
func (o *otherWriter) measure(ctx context.Context) (time.Duration, error) {
	var took []time.Duration
	for range 20 {
		began := time.Now()
		if err := o.write(ctx, 0); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	return percentile(took, 50), nil
}

// occupy writes without a pause for a time; each write holds the place for so long, and gives
// it on for as long as one write of the program takes.
func (o *otherWriter) occupy(ctx context.Context, most, hold time.Duration) error {
	o.began = time.Now()
	defer func() { o.ended = time.Now() }()
	for end := o.began.Add(most); time.Now().Before(end); {
		began := time.Now()
		if err := o.write(ctx, hold); err != nil {
			return fmt.Errorf("the other writer: %w", err)
		}
		o.took = append(o.took, time.Since(began))
		if err := rest(ctx, max(time.Millisecond, hold/9)); err != nil {
			return err
		}
	}
	return nil
}
