package alert_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/timetable"
)

var linkIn = regexp.MustCompile(`https://[a-z.-]+(/r/[0-9A-Z]{15})\b`)

// linkTo is the path of the link in the last absence letter to somebody by a channel.
func (m *morning) linkTo(person string, channel directory.Channel) string {
	m.t.Helper()
	l := m.letterBy(person, channel)
	found := linkIn.FindStringSubmatch(l.Body)
	if found == nil {
		m.t.Fatalf("no link in: %s", l.Body)
	}
	return found[1]
}

func (m *morning) letterBy(person string, channel directory.Channel) (found courier.Letter) {
	m.t.Helper()
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) error {
		recent, err := courier.Recent(ctx, tx, m.school, 1000)
		for _, l := range slices.Backward(recent) {
			if l.Person == person && l.Channel == channel && l.Kind == courier.Absence {
				found = l
			}
		}
		return err
	})
	if err != nil || found.ID == "" {
		m.t.Fatalf("no %s to %s: %v", channel, person, err)
	}
	return found
}

// told brings Léa's morning to 8:17, her parents told.
func told(m *morning) *site {
	m.t.Helper()
	s := newSite(m)
	m.at("08:07")
	m.mark("maths", "lea", attendance.Absent, 0)
	m.at("08:17")
	m.want(leaTold, nil)
	return s
}

func (m *morning) count(table string) (n int) {
	m.t.Helper()
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) error {
		return tx.NewRaw("SELECT count(*) FROM "+table).Scan(ctx, &n)
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return n
}

// alarms lists "pupil why: person says, …".
func (m *morning) alarms() []string {
	m.t.Helper()
	var out []string
	for _, a := range m.board().Alarms {
		var says []string
		for _, v := range a.Voices {
			says = append(says, v.Person.ID+" "+string(v.Says))
		}
		out = append(out, a.Pupil.ID+" "+string(a.Why)+": "+strings.Join(says, ", "))
	}
	return out
}

// expected lists what is stated of a pupil now, "says reason by until".
func (m *morning) expected(pupil string) []string {
	m.t.Helper()
	var out []string
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) error {
		all, err := attendance.Statements(ctx, tx, m.school, []string{pupil}, m.now)
		zone, _ := m.town.School.Location()
		for _, s := range all[pupil] {
			out = append(out, fmt.Sprintf("%s %s %s %s", s.Says, s.Reason, s.By, s.UntilAt.In(zone).Format("15:04")))
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

func (s *site) answer(path string, fields ...string) {
	s.t.Helper()
	if status, text := s.post("", path, fields...); status != http.StatusSeeOther || !strings.HasPrefix(text, "→ "+path+"\n") {
		s.t.Fatalf("%s %v: %d %s", path, fields, status, text)
	}
}

// The link of a message: a page for whoever holds it, with what the message said.
func TestAnswerLink(t *testing.T) {
	both(t, func(m *morning) {
		s := told(m)
		path := m.linkTo("nadia", directory.SMS)
		if other := m.linkTo("nadia", directory.Email); other == path {
			t.Fatal("two letters have one link")
		}
		m.at("08:21")
		status, text := s.get("", path, "Accept-Language", "en")
		if status != http.StatusOK {
			t.Fatal(status, text)
		}
		for _, want := range []string{"Léa B. n'est pas en maths depuis 8 h 05", "Que savez-vous ?", "Je préviens de son absence", "Léa devrait être en classe", "Léa est avec moi et arrive",
			"Lycée Alice-Guy · mardi 24 novembre", `lang="fr"`, "01 99 00 10 00"} {
			if !strings.Contains(text, want) {
				t.Errorf("the page does not say %q:\n%s", want, text)
			}
		}
		for _, no := range []string{"Benali", "BENALI", "Nadia", "Karim", "2de 3", "A103", "C'est noté"} {
			if strings.Contains(text, no) {
				t.Errorf("the page says %q", no)
			}
		}
		// Looking has no effect, however often.
		for range 3 {
			s.do(http.MethodHead, "", path, nil)
			s.get("", path)
		}
		if m.alarms() != nil || m.expected("lea") != nil {
			t.Fatal("a look was taken for an answer")
		}
		m.want(leaTold, nil)
		s.answer(path, "answer", "announced", "reason", "appointment")
		if got := m.expected("lea"); !slices.Equal(got, []string{"elsewhere announced nadia 13:00"}) {
			t.Fatalf("stated: %v", got)
		}
		_, text = s.get("", path)
		for _, want := range []string{"C'est noté à 8 h 21. La vie scolaire le voit tout de suite.", "Vous prévenez de l'absence de Léa, pour cette demi-journée. Rendez-vous.", "Changer ma réponse"} {
			if !strings.Contains(text, want) {
				t.Errorf("the page does not say %q:\n%s", want, text)
			}
		}
		s.answer(path, "answer", "announced", "reason", "appointment") // pressed twice
		if n := m.count("alert_answers"); n != 1 {
			t.Errorf("%d answers", n)
		}
		if _, text := s.get("secretary:office", "/office"); !strings.Contains(text, "Nadia Benali (mère) prévient de l'absence, 8 h 21 (Rendez-vous)") {
			t.Errorf("the office does not read it:\n%s", text)
		}
		// Léa is absent from the next lesson too: her family knows, nobody is told again.
		m.at("09:07")
		m.mark("francais", "lea", attendance.Absent, 0)
		m.at("09:30")
		m.want(leaTold, nil)
		// Another answer is another row; the last one holds.
		s.answer(path, "answer", "announced", "reason", "appointment", "span", "day")
		if got := m.expected("lea"); !slices.Equal(got, []string{"elsewhere announced nadia 00:00"}) {
			t.Fatalf("for the whole day: %v", got)
		}
		s.answer(path, "answer", "coming")
		if got := m.expected("lea"); got != nil {
			t.Fatalf("on the way: %v", got)
		}
		m.want(leaTold, nil)
	})
}

func TestAnswerLinkHeaders(t *testing.T) {
	both(t, func(m *morning) {
		s := told(m)
		for _, path := range []string{m.linkTo("nadia", directory.SMS), "/r/23456789ABCDEFG"} {
			resp, err := http.Get(s.server.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			for k, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "strict-origin", "X-Robots-Tag": "noindex, nofollow"} {
				if got := resp.Header.Get(k); got != want {
					t.Errorf("%s: %s is %q", path, k, got)
				}
			}
			if len(resp.Cookies()) > 0 {
				t.Errorf("%s sets %v", path, resp.Cookies())
			}
		}
	})
}

// Whatever is wrong with a link, the page is one and the same; the school's number
// stands on it only where the link was genuine.
func TestLinksThatLeadNowhere(t *testing.T) {
	both(t, func(m *morning) {
		s := told(m)
		good := m.linkTo("nadia", directory.SMS)
		token := strings.TrimPrefix(good, "/r/")
		flip := func(i int) string {
			b := []byte(token)
			if b[i]++; b[i] > 'Z' || b[i] == 'I' || b[i] == 'O' || b[i] == ':' {
				b[i] = 'Z' - b[i]%2
			}
			return "/r/" + string(b)
		}
		other := m.linkTo("karim", directory.Email)
		bad := []string{"/r/x", "/r/" + token[:14], "/r/" + token + "A", "/r/000000000000000", "/r/ABCDEFGHJKLMNPQ", flip(0), flip(6), flip(7), flip(14),
			"/r/" + token[:7] + strings.TrimPrefix(other, "/r/")[7:], "/r/%00", "/r/%ff", "/r/..%2f..", "/r/" + strings.Repeat("A", 3000), "/r/'%3bDROP+TABLE+x"}
		_, first := s.get("", "/r/ABCDEFGHJKLMNPQ")
		if !strings.Contains(first, "Ce lien ne mène à rien") || strings.Contains(first, "01 99 00 10 00") {
			t.Fatalf("%s", first)
		}
		next := regexp.MustCompile(`name="next" value="[^"]*"`)
		bare := func(text string) string { return next.ReplaceAllString(text, "") }
		for _, path := range bad {
			status, text := s.get("", path)
			if status != http.StatusNotFound {
				t.Errorf("%.40s: %d", path, status)
			}
			if !strings.Contains(path, "%") && bare(text) != bare(first) {
				t.Errorf("%.40s has another page:\n%s", path, text)
			}
			if status, text := s.post("", path, "answer", "should_be_here"); status != http.StatusNotFound || !strings.Contains(path, "%") && !strings.Contains(text, "Ce lien ne mène à rien") {
				t.Errorf("an answer to %.40s: %d", path, status)
			}
		}
		if status, _ := s.get("", strings.ToLower(good)); status != http.StatusOK {
			t.Errorf("typed in small letters: %d", status)
		}
		gone := func(path string) {
			t.Helper()
			status, text := s.get("", path)
			if status != http.StatusNotFound || !strings.Contains(text, "01 99 00 10 00") || strings.Contains(text, "Léa") {
				t.Errorf("%d %s", status, text)
			}
			if bare(strings.ReplaceAll(text, text[strings.Index(text, `<p class="answer-phone">`):strings.Index(text, "</main>")], "")) != bare(first) {
				t.Errorf("a genuine link has another page:\n%s", text)
			}
			if status, _ := s.post("", path, "answer", "should_be_here"); status != http.StatusNotFound {
				t.Errorf("an answer: %d", status)
			}
		}
		// A court's decision closes the link too.
		m.in(func(ctx context.Context, tx database.Tx) error {
			return directory.Add(ctx, tx, directory.Batch{Decisions: []directory.Decision{{School: m.school, ID: "d", Pupil: "lea", Adult: "karim", Reference: "26/1", FromOn: "2026-11-24", RecordedBy: "head", RecordedAt: m.now}}})
		})
		gone(other)
		m.at("23:59")
		if status, _ := s.get("", good); status != http.StatusOK {
			t.Errorf("at the end of the day: %d", status)
		}
		m.now = m.now.Add(time.Minute)
		gone(good)
		if m.alarms() != nil {
			t.Error("an answer was taken")
		}
	})
}

func TestAnswersThatAreNone(t *testing.T) {
	both(t, func(m *morning) {
		s := told(m)
		path := m.linkTo("nadia", directory.SMS)
		for _, fields := range [][]string{nil, {"answer", ""}, {"answer", "unclear"}, {"answer", "ANNOUNCED"}, {"answer", "announced"}, {"answer", "announced", "reason", "fever"},
			{"answer", "announced", "reason", "other", "span", "week"}, {"answer", "coming\x00"}, {"answer", strings.Repeat("x", 3000)}} {
			status, text := s.post("", path, fields...)
			if status != http.StatusUnprocessableEntity || !strings.Contains(text, "Choisissez l'une des réponses proposées.") || !strings.Contains(text, "Léa devrait être en classe") {
				t.Errorf("%.60q: %d\n%s", fields, status, text)
			}
		}
		if status, _ := s.post("", path, "answer", "coming", "more", strings.Repeat("x", 1<<20)); status != http.StatusRequestEntityTooLarge {
			t.Errorf("a megabyte: %d", status)
		}
		if status, _ := s.do(http.MethodPost, "", path, strings.NewReader("answer=coming"), "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://evil.example"); status != http.StatusForbidden {
			t.Errorf("from another site: %d", status)
		}
		if m.expected("lea") != nil || m.alarms() != nil || len(m.board().Told[0].Voices) > 0 {
			t.Error("something was taken")
		}
		// Somebody who cannot decide is asked to telephone in the end.
		for i := range 20 {
			s.answer(path, "answer", []string{"coming", "should_be_here"}[i%2])
		}
		if status, text := s.post("", path, "answer", "coming"); status != http.StatusTooManyRequests || !strings.Contains(text, "appelez l'établissement") {
			t.Errorf("a twenty-first answer: %d", status)
		}
	})
}

// A pupil who was seen meanwhile: the page says so and takes nothing.
func TestAnswerAfterTheArrival(t *testing.T) {
	both(t, func(m *morning) {
		s := told(m)
		path := m.linkTo("nadia", directory.SMS)
		s.answer(path, "answer", "should_be_here")
		m.at("08:20")
		m.mark("maths", "lea", attendance.Late, 15)
		_, text := s.get("", path)
		if !strings.Contains(text, "Léa est maintenant au lycée (8 h 20).") || strings.Contains(text, "<form method=\"post\" action=\"/r/") {
			t.Errorf("%s", text)
		}
		s.answer(path, "answer", "announced", "reason", "other") // sent by a page that was open before
		if m.expected("lea") != nil || m.alarms() != nil {
			t.Errorf("%v %v", m.expected("lea"), m.alarms())
		}
	})
	both(t, func(m *morning) {
		s := told(m)
		path := m.linkTo("karim", directory.Email)
		m.at("08:20")
		m.mark("maths", "lea", attendance.Present, 0)
		if _, text := s.get("", path); !strings.Contains(text, "Notre message était une erreur : Léa était en classe.") {
			t.Errorf("%s", text)
		}
	})
}

// The family says that she should be in class: that comes before everything else, and
// ends when she is seen, or when the office says where she is.
func TestShouldBeHere(t *testing.T) {
	both(t, func(m *morning) {
		s := told(m)
		s.answer(m.linkTo("nadia", directory.SMS), "answer", "should_be_here")
		if got := m.alarms(); !slices.Equal(got, []string{"lea missed: nadia should_be_here"}) {
			t.Fatalf("%v", got)
		}
		if m.expected("lea") != nil {
			t.Error("it is stated that she is elsewhere")
		}
		_, text := s.get("secretary:office", "/office")
		alarm := strings.Index(text, "La famille dit que Léa Benali devrait être en classe")
		if alarm < 0 || alarm > strings.Index(text, "famille prévenue") || !strings.Contains(text, `href="tel:+336`) {
			t.Errorf("not first, or without a number:\n%s", text)
		}
		m.at("08:30")
		m.state("lea", attendance.Inside, "infirmary")
		if got := m.alarms(); got != nil {
			t.Errorf("she is in the infirmary: %v", got)
		}
		s.answer(m.linkTo("karim", directory.Email), "answer", "should_be_here")
		m.at("08:40")
		m.mark("maths", "lea", attendance.Late, 20)
		if got := m.alarms(); got != nil {
			t.Errorf("she is in class: %v", got)
		}
	})
}

// Two parents contradict each other: she stays unexpected, the office telephones, and
// neither learns what the other said.
func TestContradiction(t *testing.T) {
	both(t, func(m *morning) {
		s := told(m)
		mother, father := m.linkTo("nadia", directory.SMS), m.linkTo("karim", directory.Email)
		m.at("08:20")
		s.answer(mother, "answer", "announced", "reason", "family", "span", "day")
		s.answer(father, "answer", "should_be_here")
		if got := m.alarms(); !slices.Equal(got, []string{"lea contradicts: nadia announced, karim should_be_here"}) {
			t.Fatalf("%v", got)
		}
		if got := m.expected("lea"); got != nil {
			t.Fatalf("she is expected elsewhere: %v", got)
		}
		// The mother insists, in vain.
		s.answer(mother, "answer", "announced", "reason", "other", "span", "day")
		if got := m.expected("lea"); got != nil {
			t.Fatalf("she is expected elsewhere: %v", got)
		}
		if _, text := s.get("secretary:office", "/office"); !strings.Contains(text, "Les réponses de la famille se contredisent : Léa Benali") || !strings.Contains(text, "Karim Benali (père) dit : devrait être en classe") {
			t.Errorf("%s", text)
		}
		s.answer(father, "answer", "coming")
		if got := m.expected("lea"); !slices.Equal(got, []string{"elsewhere announced nadia 00:00"}) || m.alarms() != nil {
			t.Errorf("the father takes it back: %v %v", got, m.alarms())
		}
	})
}

// Whatever one parent answers, not a byte of what the other reads changes.
func TestNeitherLearnsOfTheOther(t *testing.T) {
	for _, says := range [][]string{{"answer", "announced", "reason", "family", "span", "day"}, {"answer", "should_be_here"}, {"answer", "coming"}} {
		both(t, func(m *morning) {
			s := told(m)
			mother, father := m.linkTo("nadia", directory.SMS), m.linkTo("karim", directory.Email)
			for _, given := range []bool{false, true} { // before and after his own answer
				if given {
					s.answer(father, "answer", "coming")
				}
				_, link := s.get("", father)
				_, home := s.get("guardian:karim", "/guardian")
				s.answer(mother, says...)
				if _, text := s.get("", father); text != link {
					t.Errorf("after %v the father's link says:\n%s\nbefore:\n%s", says, text, link)
				}
				if _, text := s.get("guardian:karim", "/guardian"); text != home {
					t.Errorf("after %v the father's page says:\n%s\nbefore:\n%s", says, text, home)
				}
			}
			if _, text := s.get("guardian:nadia", "/guardian"); !strings.Contains(text, "C'est noté") {
				t.Errorf("the mother does not read her own answer:\n%s", text)
			}
		})
	}
}

// On the signed-in page: only the reader of a letter answers it.
func TestAnswerOnOnesOwnPage(t *testing.T) {
	both(t, func(m *morning) {
		s := told(m)
		if _, text := s.get("guardian:nadia", "/guardian"); strings.Count(text, "Que savez-vous ?") != 1 {
			t.Fatalf("%s", text)
		}
		if _, text := s.get("pupil:lea", "/pupil"); strings.Contains(text, "Que savez-vous") {
			t.Error("a minor is asked")
		}
		path := "/letters/" + m.letterBy("nadia", directory.SMS).ID + "/answer"
		other := fictional.School(2, fictional.Options{Number: 1, Pupils: 10})
		if err := fictional.Save(t.Context(), m.db, other); err != nil {
			t.Fatal(err)
		}
		for _, as := range []string{"guardian:karim", "pupil:lea", "guardian:sylvie", "guardian:nadia:" + other.School.ID} {
			if status, _ := s.post(as, path, "answer", "coming"); status != http.StatusNotFound {
				t.Errorf("as %s: %d", as, status)
			}
		}
		for _, as := range []string{"secretary:office", "head:head", "teacher:roy"} {
			if status, _ := s.post(as, path, "answer", "coming"); status != http.StatusForbidden {
				t.Errorf("as %s: %d", as, status)
			}
		}
		if status, _ := s.post("guardian:nadia", path, "answer", "announced"); status != http.StatusUnprocessableEntity {
			t.Errorf("without a reason: %d", status)
		}
		if status, text := s.post("guardian:nadia", path, "answer", "should_be_here"); status != http.StatusSeeOther || !strings.HasPrefix(text, "→ /\n") {
			t.Errorf("%d %s", status, text)
		}
		if got := m.alarms(); !slices.Equal(got, []string{"lea missed: nadia should_be_here"}) {
			t.Errorf("%v", got)
		}
	})
}

// An announcement withdraws what is held and recalls what still waits.
func TestAnnouncedWhileOthersWait(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		m.lettersWritten()
		if err := m.courier.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.want(leaTold, nil)
		// In the afternoon: her absence is held when her mother announces the whole day.
		m.in(func(ctx context.Context, tx database.Tx) error {
			zone, err := m.town.School.Location()
			if err != nil {
				return err
			}
			p := timetable.Sitting{School: m.school, ID: "sport", Kind: timetable.Lesson, Label: "EPS", ShortLabel: "EPS", Source: timetable.FromPage, SourceKey: "sport", Groups: []string{"2de3"}}
			starts := m.town.Tuesday.Add(5*time.Hour + 30*time.Minute)
			p.At(starts, starts.Add(55*time.Minute), zone)
			return timetable.Add(ctx, tx, p)
		})
		m.at("13:32")
		m.mark("sport", "lea", attendance.Absent, 0)
		if len(m.board().Held) != 1 {
			t.Fatal("nobody is held")
		}
		s.answer(m.linkTo("nadia", directory.SMS), "answer", "announced", "reason", "transport", "span", "day")
		m.at("13:50")
		m.want(leaTold, nil)
		if len(m.board().Held) != 0 {
			t.Error("still held")
		}
	})
}

// What still waits to leave when the family announces the absence does not leave.
func TestAnnouncedBeforeTheOthersLeft(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		m.lettersWritten()
		for _, q := range []string{"state = 'leaving', attempts = 1, leaving_at = created_at", "state = 'left'"} {
			if err := m.db.Statement(t.Context(), "UPDATE courier_letters SET "+q+" WHERE channel = 'sms'"); err != nil {
				t.Fatal(err)
			}
		}
		s.answer(m.linkTo("nadia", directory.SMS), "answer", "announced", "reason", "family")
		m.settle()
		m.want([]string{"absence sms nadia left"}, nil)
	})
}

// A morning's announcement says nothing of the afternoon.
func TestAnnouncedTooLateForTheHalfDay(t *testing.T) {
	both(t, func(m *morning) {
		s := told(m)
		m.at("13:10")
		s.answer(m.linkTo("nadia", directory.SMS), "answer", "announced", "reason", "family")
		if got := m.expected("lea"); got != nil {
			t.Errorf("%v", got)
		}
	})
}

// Whoever answers need not be telephoned; whoever misses the child must be.
func TestAnswersCloseTheirOwnCall(t *testing.T) {
	for _, c := range []struct {
		answer string
		calls  []string
	}{
		{"coming", []string{"lea karim refused"}},
		{"should_be_here", []string{"lea karim refused", "lea nadia refused"}},
	} {
		both(t, func(m *morning) {
			s := told(m)
			m.at("08:18")
			for _, channel := range []string{"email", "sms"} {
				if err := m.db.Statement(t.Context(), "UPDATE courier_letters SET state = 'refused' WHERE channel = '"+channel+"'"); err != nil {
					t.Fatal(err)
				}
			}
			m.settle()
			if got := m.calls(); !slices.Equal(got, []string{"lea karim refused", "lea nadia refused"}) {
				t.Fatalf("%v", got)
			}
			s.answer(m.linkTo("nadia", directory.SMS), "answer", c.answer)
			if got := m.calls(); !slices.Equal(got, c.calls) {
				t.Errorf("after %s: %v", c.answer, got)
			}
		})
	}
}

// Somebody on the way who does not come is looked for.
func TestComingAndNotSeen(t *testing.T) {
	both(t, func(m *morning) {
		s := told(m)
		m.at("08:20")
		s.answer(m.linkTo("nadia", directory.SMS), "answer", "coming")
		m.at("09:04")
		if got := m.alarms(); got != nil {
			t.Fatalf("%v", got)
		}
		m.at("09:05")
		if got := m.alarms(); !slices.Equal(got, []string{"lea overdue: nadia coming"}) {
			t.Errorf("%v", got)
		}
	})
}

func (m *morning) reply(person, text string) {
	m.t.Helper()
	l := m.letterBy(person, directory.SMS)
	m.in(func(ctx context.Context, tx database.Tx) error {
		return alert.ReplyForTest(ctx, tx, m.alert, l, text, m.now)
	})
}

func (m *morning) answersBy(how string) {
	m.t.Helper()
	m.in(func(ctx context.Context, tx database.Tx) error {
		return m.alert.SetAnswers(ctx, tx, m.school, how, "head", m.now)
	})
}

// Answers by SMS: 1, 2, and everything else.
func TestReplies(t *testing.T) {
	both(t, func(m *morning) {
		m.answersBy(alert.AnswerByReply)
		told(m)
		m.reply("nadia", " 1. ")
		m.reply("nadia", "1") // brought twice
		if got := m.expected("lea"); !slices.Equal(got, []string{"elsewhere announced nadia 13:00"}) {
			t.Fatalf("%v", got)
		}
		m.want(leaTold, nil)
		m.reply("nadia", "2")
		if got := m.alarms(); !slices.Equal(got, []string{"lea missed: nadia should_be_here"}) || m.expected("lea") != nil {
			t.Fatalf("%v %v", got, m.expected("lea"))
		}
		const secret = "elle a la varicelle"
		m.reply("nadia", secret)
		m.reply("nadia", secret)
		m.want(leaTold, []string{"lea nadia replied"})
		for _, table := range []string{"alert_answers", "alert_calls", "journal_lines", "courier_letters"} {
			var rows []map[string]any
			err := m.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
				return tx.NewRaw("SELECT * FROM "+table).Scan(ctx, &rows)
			})
			if err != nil || strings.Contains(fmt.Sprint(rows), "varicelle") {
				t.Errorf("%s keeps the words, %v", table, err)
			}
		}
		// The office gets no answer, and another SMS comes: no row can ask again, an alarm does.
		m.at("08:40")
		m.in(func(ctx context.Context, tx database.Tx) error {
			return m.alert.CloseCall(ctx, tx, m.school, m.board().Calls[0].ID, alert.NoAnswer, "a-office", m.now)
		})
		m.at("08:41")
		m.reply("nadia", "1")
		m.reply("nadia", "et alors ?")
		if got := m.alarms(); !slices.Equal(got, []string{"lea unread: nadia announced, nadia unclear"}) {
			t.Errorf("%v", got)
		}
	})
	both(t, func(m *morning) { // the message had no 1 and no 2
		told(m)
		m.reply("nadia", "1")
		m.want(leaTold, []string{"lea nadia replied"})
		if got := m.expected("lea"); got != nil {
			t.Errorf("%v", got)
		}
	})
	both(t, func(m *morning) { // too late, and about yesterday
		m.answersBy(alert.AnswerByReply)
		told(m)
		m.at("08:20")
		m.mark("maths", "lea", attendance.Late, 15)
		m.reply("nadia", "1")
		if got := m.calls(); got != nil {
			t.Errorf("%v", got)
		}
		m.reply("nadia", "elle est partie à l'heure")
		if got := m.calls(); !slices.Equal(got, []string{"lea nadia replied"}) {
			t.Errorf("%v", got)
		}
		m.now = m.now.Add(24 * time.Hour)
		m.reply("nadia", "1")
		if got := m.expected("lea"); got != nil {
			t.Errorf("%v", got)
		}
	})
}

// stop does what the courier does when a telephone says STOP.
func (m *morning) stop(channel directory.Channel, contact, why string) {
	m.t.Helper()
	m.in(func(ctx context.Context, tx database.Tx) error {
		points, err := directory.StopAddress(ctx, tx, m.school, channel, m.addressOf(contact), why, m.now)
		if err != nil {
			return err
		}
		return alert.StoppedForTest(ctx, tx, m.alert, m.school, points, why, m.now)
	})
	m.settle()
}

// STOP: nothing more leaves for that number, whoever was told today is telephoned, and
// on later days too, as they were promised.
func TestStop(t *testing.T) {
	both(t, func(m *morning) {
		s := told(m)
		m.mark("histoire", "sami", attendance.Absent, 0) // held: to be told at 8:27
		m.at("08:20")
		m.stop(directory.SMS, "nadia-sms", "stop")
		m.want(leaTold, []string{"lea nadia stopped"})
		m.at("08:30")
		m.want(append(slices.Clone(leaTold), "absence email karim left", "absence email nadia left"), []string{"lea nadia stopped", "sami nadia stopped"})
		if _, text := s.get("secretary:office", "/office"); !strings.Contains(text, "Nadia Benali ne veut plus de SMS") || !strings.Contains(text, "Appeler Nadia Benali (mère) pour Sami Benali") {
			t.Errorf("%s", text)
		}
		m.stop(directory.SMS, "nadia-sms", "stop")
		if n := len(m.board().Tasks); n != 1 {
			t.Errorf("%d tasks", n)
		}
	})
	both(t, func(m *morning) { // before the letters leave, with the number shared
		m.in(func(ctx context.Context, tx database.Tx) error {
			return directory.Add(ctx, tx, directory.Batch{Contacts: []directory.ContactPoint{{School: m.school, ID: "karim-sms", Person: "karim", Channel: directory.SMS, Address: m.addressOf("nadia-sms"), Source: "t"}}})
		})
		m.lettersWritten()
		m.stop(directory.SMS, "nadia-sms", "stop")
		m.want([]string{"absence email karim left", "absence email nadia left"}, []string{"lea karim stopped", "lea nadia stopped"})
	})
	both(t, func(m *morning) { // a mail address that takes nothing
		told(m)
		m.stop(directory.Email, "karim-email", "bounced")
		m.want(leaTold, []string{"lea karim bounced"})
		m.at("08:25")
		m.mark("maths", "lea", attendance.Late, 15)
		m.at("09:07")
		m.mark("francais", "lea", attendance.Absent, 0)
		m.at("09:17")
		if got := m.calls(); !slices.Equal(got, []string{"lea karim bounced"}) {
			t.Errorf("%v", got)
		}
	})
}

// A letter whose fate is not known shows to a person within two minutes, whatever else
// reached the same family; and one without a receipt.
func TestUnknownFatesAreTelephoned(t *testing.T) {
	for _, c := range []struct {
		name, set string
		after     time.Duration
		calls     []string
	}{
		{"an SMS without an answer, the e-mail accepted", "state = 'unsure', because = 'no-answer' WHERE channel = 'sms'", 0, []string{"lea nadia unsure"}},
		{"an SMS without a receipt", "state = 'unheard' WHERE channel = 'sms'", 0, []string{"lea nadia unheard"}},
		{"an e-mail that is still awaited", "state = 'unsure', because = 'still-waiting' WHERE channel = 'email' AND person = 'karim'", 0, []string{"lea karim unsure"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			both(t, func(m *morning) {
				m.lettersWritten()
				// The courier's own way to each state: its guards let nothing else through.
				steps := []string{"UPDATE courier_letters SET state = 'leaving', attempts = 1, leaving_at = created_at"}
				if strings.Contains(c.set, "unheard") {
					steps = append(steps, "UPDATE courier_letters SET state = 'left'")
				}
				for _, q := range append(steps, "UPDATE courier_letters SET settled_at = created_at, "+c.set) {
					if err := m.db.Statement(t.Context(), q); err != nil {
						t.Fatal(err)
					}
				}
				m.decided()
				if got := m.calls(); !slices.Equal(got, c.calls) {
					t.Errorf("%v", got)
				}
			})
		})
	}
	both(t, func(m *morning) { // carriers that have not answered at all
		m.lettersWritten()
		if err := m.db.Statement(t.Context(), "UPDATE courier_letters SET state = 'leaving', attempts = 1, leaving_at = created_at"); err != nil {
			t.Fatal(err)
		}
		m.now = m.now.Add(119 * time.Second)
		m.decided()
		if got := m.calls(); got != nil {
			t.Fatalf("%v", got)
		}
		m.now = m.now.Add(time.Second)
		m.decided()
		if got := m.calls(); !slices.Equal(got, []string{"lea karim unsure", "lea nadia unsure"}) {
			t.Errorf("%v", got)
		}
	})
}

// How families answer is the school's choice, of what the installation can do.
func TestWaysToAnswer(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		if _, text := s.get("head:head", "/service"); !strings.Contains(text, "Par un lien") || !strings.Contains(text, "Par téléphone") || strings.Contains(text, "1 ou 2") {
			t.Errorf("%s", text)
		}
		if _, text := s.get("secretary:office", "/service"); strings.Contains(text, "Comment les familles répondent") {
			t.Error("the office is offered a choice that is not theirs")
		}
		for as, want := range map[string]int{"secretary:office": http.StatusForbidden, "teacher:roy": http.StatusForbidden, "guardian:nadia": http.StatusForbidden} {
			if status, _ := s.post(as, "/service", "do", "answers", "answers", "phone"); status != want {
				t.Errorf("as %s: %d", as, status)
			}
		}
		for _, how := range []string{"", "reply", "fax", "link\x00"} { // there is no carrier with replies here
			if status, _ := s.post("cpe:cpe", "/service", "do", "answers", "answers", how); status != http.StatusUnprocessableEntity {
				t.Errorf("%q: %d", how, status)
			}
		}
		if status, text := s.post("cpe:cpe", "/service", "do", "answers", "answers", "phone"); status != http.StatusSeeOther || !strings.HasPrefix(text, "→ /service?done=answers#answers") {
			t.Fatalf("%d %s", status, text)
		}
		if _, text := s.get("head:head", "/service?done=answers"); !strings.Contains(text, "C'est enregistré") || !strings.Contains(text, `value="phone" checked`) {
			t.Errorf("%s", text)
		}
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:17")
		m.want(leaTold, nil)
		for _, channel := range []directory.Channel{directory.SMS, directory.Email} {
			if body := m.letterBy("nadia", channel).Body; strings.Contains(body, "http") || !strings.Contains(body, "01 99 00 10 00") {
				t.Errorf("%s", body)
			}
		}
	})
	both(t, func(m *morning) { // an installation without an address of its own
		m.url = ""
		m.restart()
		s := told(m)
		if body := m.letterBy("nadia", directory.SMS).Body; strings.Contains(body, "/r/") || !strings.Contains(body, "joindre au 01 99 00 10 00") {
			t.Errorf("%s", body)
		}
		if _, text := s.get("head:head", "/service"); strings.Contains(text, "Par un lien") {
			t.Errorf("%s", text)
		}
	})
	both(t, func(m *morning) { // an address too long for an SMS
		m.url = "https://" + strings.Repeat("long.", 12) + "example"
		m.restart()
		told(m)
		if body := m.letterBy("nadia", directory.SMS).Body; strings.Contains(body, "http") {
			t.Errorf("%s", body)
		}
		if body := m.letterBy("nadia", directory.Email).Body; !strings.Contains(body, "\n"+m.url+"/r/") {
			t.Errorf("%s", body)
		}
	})
}

// Whoever writes the SQL: an answer is of the letter's own reader, pupil and episode, in
// order, and never changed.
func TestGuardsOfAnswers(t *testing.T) {
	both(t, func(m *morning) {
		s := told(m)
		m.mark("maths", "ewen", attendance.Absent, 0)
		m.at("08:30")
		s.answer(m.linkTo("nadia", directory.SMS), "answer", "coming")
		insert := func(what string) string {
			return "INSERT INTO alert_answers (school, id, episode, n, letter, pupil, person, via, answer, reason, span, at) SELECT " + what + " FROM alert_answers f"
		}
		for _, q := range []string{
			"UPDATE alert_answers SET answer = 'announced', span = 'half'",
			"UPDATE alert_answers SET at = at",
			"DELETE FROM alert_answers",
			"INSERT OR REPLACE INTO alert_answers SELECT * FROM alert_answers",
			"TRUNCATE alert_answers",
			insert("school, 'x', episode, 3, letter, pupil, person, via, answer, reason, span, at"),
			insert("school, 'x', episode, 1, letter, pupil, person, via, answer, reason, span, at"),
			insert("school, id, episode, 2, letter, pupil, person, via, answer, reason, span, at"),
			insert("school, 'x', episode, 2, letter, pupil, 'karim', via, answer, reason, span, at"),
			insert("school, 'x', episode, 2, letter, 'ewen', person, via, answer, reason, span, at"),
			insert("school, 'x', (SELECT id FROM alert_episodes WHERE pupil = 'ewen'), 1, letter, pupil, person, via, answer, reason, span, at"),
			insert("school, 'x', episode, 2, (SELECT letter FROM alert_letters WHERE pupil = 'ewen' LIMIT 1), pupil, person, via, answer, reason, span, at"),
			insert("school, 'x', episode, 2, 'none', pupil, person, via, answer, reason, span, at"),
			insert("'other', 'x', episode, 2, letter, pupil, person, via, answer, reason, span, at"),
			insert("school, 'x', episode, 2, letter, pupil, person, 'fax', answer, reason, span, at"),
			insert("school, 'x', episode, 2, letter, pupil, person, via, 'maybe', reason, span, at"),
			insert("school, 'x', episode, 2, letter, pupil, person, via, 'announced', reason, '', at"),
			insert("school, 'x', episode, 2, letter, pupil, person, via, 'coming', 'family', '', at"),
		} {
			if err := m.db.Statement(t.Context(), q); err == nil {
				t.Errorf("it went through: %s", q)
			}
		}
		if err := m.db.Statement(t.Context(), insert("school, 'x', episode, 2, letter, pupil, person, via, 'announced', 'family', 'day', at")); err != nil {
			t.Errorf("a good one does not: %v", err)
		}
	})
}

// The story of a message has what the family answered.
func TestExplainTellsTheAnswers(t *testing.T) {
	both(t, func(m *morning) {
		s := told(m)
		path := m.linkTo("nadia", directory.SMS)
		s.answer(path, "answer", "announced", "reason", "transport", "span", "day")
		s.answer(path, "answer", "should_be_here")
		_, text := s.get("secretary:office", "/explain/"+m.letterBy("nadia", directory.SMS).Code)
		for _, want := range []string{"Nadia Benali (mère) prévient de l'absence", "par le lien du message", "Transport", "toute la journée", "Nadia Benali (mère) dit que l'élève devrait être en classe"} {
			if !strings.Contains(text, want) {
				t.Errorf("the story does not say %q:\n%s", want, text)
			}
		}
		if strings.Contains(text, "aucune ligne sur cette étape") {
			t.Errorf("a step has no line in the journal:\n%s", text)
		}
	})
}

// What somebody types behind /r/ never panics, and only what this installation sealed
// leads anywhere.
func FuzzAnswerLink(f *testing.F) {
	a := alert.SealForTest(f)
	for _, seed := range []string{"", "ABCDEFG", "ABCDEFGHJKLMNPQ", "abcdefghjklmnpq", "\x00", "ééééééé", strings.Repeat("Z", 15), "ABCDEF2" + a("ABCDEF2")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		code, ok := alert.CodeForTest(token)
		if !ok {
			return
		}
		if len(token) != 15 || !strings.EqualFold(token, code+a(code)) {
			t.Fatalf("%q was taken for a letter's link", token)
		}
	})
}
