package stories

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/notices"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/peers"
)

// TestKilledWhileAnnouncing kills the serving process while an announcement is written and
// while it leaves, and counts at the mail server: everybody who was counted, nobody else,
// once; a second time with the same Message-ID only where the kill left it unsure.
func TestKilledWhileAnnouncing(t *testing.T) {
	server := peers.SMTP(t)
	for seed, step := range []string{notices.StepSome + " 1", notices.StepSome + " 2", courier.StepClaimed + " 3", courier.StepWriting + " 5", courier.StepAnswered + " 7", notices.StepSome + " 1"} {
		engine := database.SQLite
		if seed > 4 {
			engine = database.Postgres
		}
		t.Run(fmt.Sprintf("%s-%s", step, engine), func(t *testing.T) {
			server.Plan()
			k := &killing{t: t, random: rand.New(rand.NewPCG(uint64(seed), 11)), server: server, before: len(server.Messages()), town: fictional.School(3, fictional.Options{Weeks: 1, Pupils: 76})}
			k.now = k.town.Tuesday.Add(time.Hour)
			asked := k.announced(engine)
			k.rests = func() (bool, time.Duration) { return k.announcedRests(asked) }
			k.live(step)
			k.now = k.now.Add(2 * time.Second)
			k.live("")
			k.judgeAnnouncement(asked)
		})
	}
}

// announced makes the installation and an announcement that two people asked for, of which
// nothing is written yet.
func (k *killing) announced(engine database.Engine) (asked notices.Request) {
	t, data := k.t, k.t.TempDir()
	t.Helper()
	k.env = []string{childData + "=" + data, childPort + "=" + fmt.Sprint(k.server.Port())}
	config := app.Config{Data: data, Addr: "127.0.0.1:0"}
	source := "sqlite:" + filepath.Join(data, "preau.db")
	if engine == database.Postgres {
		config.Database = databasetest.NewPostgres(t)
		source, k.env = config.Database, append(k.env, childDatabase+"="+config.Database)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	install(t, config)
	// The same ways out as the program that will be killed: they are part of the count.
	config.Mail = app.MailConfig{Host: "127.0.0.1", Port: k.server.Port(), TLS: "none", From: "vie-scolaire@alice-guy.example", FromName: "Lycée Alice-Guy"}
	a, err := app.Open(t.Context(), config, app.Options{Log: log, Clock: app.StandingClock(k.now)})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := fictional.Save(t.Context(), a.DB, k.town); err != nil {
		t.Fatal(err)
	}
	school, c := k.town.School.ID, k.town.Cast
	err = a.DB.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) error {
		wish := notices.Wish{Text: notices.Confinement, Choice: "over", Level: notices.WholeSchool}
		seen, err := a.Notices.Preview(ctx, tx, school, wish, k.now)
		if err != nil {
			return err
		}
		if asked, err = a.Notices.Ask(ctx, tx, school, wish, seen.Counted, c.Head, page.Head, k.now); err != nil {
			return err
		}
		_, err = a.Notices.Confirm(ctx, tx, school, asked.ID, notices.Second{ID: c.CPE, Role: page.CPE}, k.now)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if asked.Addresses <= 100 || asked.Addresses > 200 {
		t.Fatalf("%d addresses: this test wants two transactions", asked.Addresses)
	}
	if k.db, err = database.Open(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.db.Close() })
	return asked
}

// announcedRests tells whether nothing of an announcement is left to do, and else brings a
// second attempt a little nearer: an announcement ends after two hours.
func (k *killing) announcedRests(asked notices.Request) (idle bool, wait time.Duration) {
	idle = true
	err := k.db.Read(k.t.Context(), func(ctx context.Context, tx database.Tx) error {
		r, err := notices.ByID(ctx, tx, k.town.School.ID, asked.ID)
		if err != nil {
			return err
		}
		letters, err := courier.About(ctx, tx, k.town.School.ID, []string{asked.ID})
		idle = r.State != notices.Confirmed
		for _, l := range letters {
			again := courier.MayTryAgain(l, k.now)
			if again || l.State == courier.Leaving && k.db.Engine() == database.Postgres {
				wait = time.Second
			}
			idle = idle && !again && l.State != courier.Waiting && l.State != courier.Leaving
		}
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return idle, wait
}

// judgeAnnouncement counts at the mail server.
func (k *killing) judgeAnnouncement(asked notices.Request) {
	k.t.Helper()
	var letters []courier.Letter
	address := map[string]string{}
	err := k.db.Read(k.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if letters, err = courier.About(ctx, tx, k.town.School.ID, []string{asked.ID}); err != nil {
			return err
		}
		for _, l := range letters {
			p, err := directory.PointByID(ctx, tx, k.town.School.ID, l.Contact)
			if err != nil {
				return err
			}
			address[p.Address] = l.ID
			if l.State != courier.Left {
				k.t.Errorf("%s %s", l.State, l.Because)
			}
		}
		return nil
	})
	if err != nil {
		k.t.Fatal(err)
	}
	if len(letters) != asked.Addresses || len(address) != asked.Addresses {
		k.t.Errorf("%d letters to %d addresses, and %d were counted", len(letters), len(address), asked.Addresses)
	}
	ids, copies := map[string]string{}, 0
	for _, m := range k.server.Messages()[k.before:] {
		for _, to := range m.To {
			if address[to] == "" {
				k.t.Errorf("%s was not counted", to)
			}
			if before, again := ids[to]; again {
				if copies++; before != m.MessageID() {
					k.t.Errorf("%s got two messages", to)
				}
			}
			ids[to] = m.MessageID()
		}
	}
	if len(ids) != asked.Addresses || copies > 10 {
		k.t.Errorf("%d of %d got it, %d a second time", len(ids), asked.Addresses, copies)
	}
}
