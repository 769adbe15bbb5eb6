package stories

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/guard"
	"github.com/preau-ent/preau/peers"
)

// withGuard adds a guard file for the school of the stories.
func withGuard(t testing.TB, c app.Config, more map[string]any) app.Config {
	t.Helper()
	file := map[string]any{"school": fictional.Small(time.Time{}).School.UAI, "families": 1500, "system_id": "outil", "password": map[string]any{"file": "guard.password"},
		"smpp": map[string]any{"addr": "127.0.0.1:0"}, "http": map[string]any{"addr": "127.0.0.1:0"}}
	for k, v := range more {
		file[k] = v
	}
	b, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"guard.json": string(b), "guard.password": "ardoises\n"} {
		if err := os.WriteFile(filepath.Join(c.Data, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// tool is a school's existing program: Kannel, which sends through us.
func (s *served) tool() *peers.KannelGateway {
	s.t.Helper()
	at, _ := s.app.GuardAt()
	return peers.Kannel(s.t, nil, peers.KannelOptions{Password: "cartable", Centre: at, SystemID: "outil", CentrePassword: "ardoises"})
}

// says makes the tool send one text to one number.
func says(t testing.TB, gateway, password, to, text string) {
	t.Helper()
	name := "preau"
	if password == "ardoises" {
		name = "outil"
	}
	res, err := http.Get(gateway + "/cgi-bin/sendsms?" + url.Values{"username": {name}, "password": {password}, "to": {to}, "text": {text}, "charset": {"UTF-8"}, "coding": {"0"}, "from": {"LYCEE"}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); res.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %s %v", res.StatusCode, b, err)
	}
}

// kept is what the guard has, by state.
func (s *served) kept() (by map[guard.State]int, trips []guard.Trip) {
	s.t.Helper()
	err := s.app.DB.Read(context.Background(), func(ctx context.Context, tx database.Tx) (err error) {
		if by, err = guard.Today(ctx, tx, s.town.School.ID, time.Time{}); err != nil {
			return err
		}
		trips, err = guard.Trips(ctx, tx, s.town.School.ID, 10)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return by, trips
}

func (s *served) untilKept(what string, so func(map[guard.State]int) bool) {
	s.t.Helper()
	s.until(what, func(morning) bool {
		by, _ := s.kept()
		return so(by)
	})
}

// number is a fictional mobile number that is no tripwire.
func number(i int) string { return fmt.Sprintf("+3363998%04d", 100+i) }

const rodez = "Votre enfant est absent de l'établissement ce jour. Merci de contacter la vie scolaire."

// wrongly is how many families the wrong message goes to: all of them with PREAU_FULL.
func wrongly() int {
	if os.Getenv("PREAU_FULL") != "" {
		return 1500
	}
	return 150
}

// The morning of Rodez, sent by the tool that the school keeps: nothing arrives, all of it
// is shown; two persons let it go and each gets it once.
func TestGuardRodez(t *testing.T) {
	centre_ := peers.SMPP(t, peers.SMSCentreOptions{Receipts: peers.SMSDelivered})
	s := serve(t, withGuard(t, withCentres(t, app.Config{}, centre{name: "centre", at: centre_, receipts: true}), nil))
	tool := s.tool()
	n := wrongly()
	began := time.Now()
	for i := range n {
		says(t, tool.URL(), "cartable", number(i), rodez)
	}
	s.untilKept("all of it is held", func(by map[guard.State]int) bool { return by[guard.Held] == n })
	t.Logf("%d messages held after %.1f s", n, time.Since(began).Seconds())
	s.advance(2 * time.Minute)
	s.beaten()
	by, trips := s.kept()
	if len(trips) != 1 || trips[0].Sign != guard.SignSame || by[guard.Held] != n {
		t.Fatalf("held %v by %+v", by, trips)
	}
	if got := len(centre_.Messages()); got != 0 {
		t.Fatalf("%d families got it", got)
	}
	s.in(func(ctx context.Context, tx database.Tx) error {
		if err := s.app.Guard.Ask(ctx, tx, trips[0].ID, "office", n, s.clock.Now()); err != nil {
			return err
		}
		if _, _, err := s.app.Guard.Release(ctx, tx, trips[0].ID, "office", n, s.clock.Now()); err != guard.ErrSecond {
			t.Errorf("one person let it go alone: %v", err)
		}
		return nil
	})
	began = time.Now()
	s.in(func(ctx context.Context, tx database.Tx) error {
		_, agreed, err := s.app.Guard.Release(ctx, tx, trips[0].ID, "cpe", n-1, s.clock.Now())
		if agreed != nil {
			t.Errorf("%v", agreed)
		}
		return err
	})
	s.untilKept("each has it", func(by map[guard.State]int) bool { return by[courier.Delivered] == n })
	t.Logf("%d messages delivered after %.1f s", n, time.Since(began).Seconds())
	got := map[string]int{}
	for _, m := range centre_.Messages() {
		got[m.To]++
		if m.Text != rodez {
			t.Fatalf("a telephone reads %q", m.Text)
		}
	}
	for i := range n {
		if got[number(i)[1:]] != 1 {
			t.Errorf("%s got it %d times", number(i), got[number(i)[1:]])
		}
	}
	if len(got) != n {
		t.Errorf("%d numbers, want %d", len(got), n)
	}
}

// An ordinary day of the same tool: seventy messages about seventy pupils, some to two
// parents, by SMPP and over HTTP: all of them leave, nothing is held.
func TestGuardOrdinaryDay(t *testing.T) {
	centre_ := peers.SMPP(t, peers.SMSCentreOptions{})
	s := serve(t, withGuard(t, withCentres(t, app.Config{}, centre{name: "centre", at: centre_}), nil))
	tool := s.tool()
	_, direct := s.app.GuardAt()
	names := []string{"Léa", "Sami", "Ewen", "Malo", "Nora", "Zoë", "Inès", "Théo", "Lina", "Noé"}
	for i := range 70 {
		text := fmt.Sprintf("Lycée: %s %c. n'est pas en cours depuis 8h05.", names[i%10], 'A'+i/10)
		if i%2 == 0 {
			says(t, tool.URL(), "cartable", number(i), text)
		} else {
			says(t, "http://"+direct, "ardoises", number(i), text)
		}
		if i%8 == 7 {
			s.untilKept("they are taken", func(by map[guard.State]int) bool { return total(by) == i+1 })
			s.advance(time.Minute)
		}
	}
	s.untilKept("they are taken", func(by map[guard.State]int) bool { return total(by) == 70 })
	s.advance(time.Minute)
	s.untilKept("all left", func(by map[guard.State]int) bool { return by[courier.Left]+by[courier.Delivered] == 70 })
	if _, trips := s.kept(); len(trips) != 0 || len(centre_.Messages()) != 70 {
		t.Errorf("%d at the centre, trips %+v", len(centre_.Messages()), trips)
	}
	texts := map[string]bool{}
	for _, m := range centre_.Messages() {
		texts[m.Text] = true
	}
	if !texts["Lycée: Zoë A. n'est pas en cours depuis 8h05."] || len(texts) != 70 {
		t.Errorf("%d texts: %v", len(texts), texts)
	}
}

func total(by map[guard.State]int) (n int) {
	for _, one := range by {
		n += one
	}
	return n
}
