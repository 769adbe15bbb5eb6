package register_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/register"
	"github.com/preau-ent/preau/internal/timetable"
)

// desk is the small town with the pages on real routes. The cookie "as" says who looks.
type desk struct {
	t       *testing.T
	db      *database.DB
	journal *journal.Journal
	town    fictional.Town
	now     time.Time
	zone    *time.Location
	docs    string
	routes  *page.Routes
}

func open(t *testing.T, db *database.DB) *desk {
	t.Helper()
	d := &desk{t: t, db: db, town: fictional.Small(time.Time{}), docs: filepath.Join(t.TempDir(), "documents")}
	d.zone = d.town.Tuesday.Location()
	d.now = d.town.Tuesday.Add(12 * time.Minute)
	var err error
	if d.journal, err = journal.New(make([]byte, journal.MinKey)); err == nil {
		err = fictional.Save(t.Context(), db, d.town)
	}
	if err != nil {
		t.Fatal(err)
	}
	words, err := page.NewWords(register.Words)
	if err != nil {
		t.Fatal(err)
	}
	d.routes = page.NewRoutes(&page.Site{Words: words, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Zone: d.zone, Viewer: func(r *http.Request) (page.Viewer, bool) {
		c, err := r.Cookie("as")
		if err != nil {
			return page.Viewer{}, false
		}
		role, ok := map[string]page.Role{"office": page.Secretary, "nadia": page.Guardian, "karim": page.Guardian, "ronan": page.Guardian, "roy": page.Teacher}[c.Value]
		return page.Viewer{ID: c.Value, Account: "a-" + c.Value, School: d.town.School.ID, Role: role, Zone: d.zone}, ok
	}})
	(&register.Pages{DB: db, Journal: d.journal, Now: func() time.Time { return d.now }, Documents: d.docs}).Register(d.routes)
	return d
}

func (d *desk) must(fn func(context.Context, database.Tx) error) {
	d.t.Helper()
	if err := d.db.InSchool(d.t.Context(), d.town.School.ID, fn); err != nil {
		d.t.Fatal(err)
	}
}

// missed marks a pupil absent from a lesson of a day of November.
func (d *desk) missed(pupil string, day, hour int) {
	d.t.Helper()
	d.must(func(ctx context.Context, tx database.Tx) error {
		id := database.NewID()
		starts := time.Date(2026, time.November, day, hour, 5, 0, 0, d.zone)
		s := timetable.Sitting{School: d.town.School.ID, ID: id, Kind: timetable.Lesson, Label: "Sport", ShortLabel: "sport", Source: timetable.FromPage, SourceKey: id, Groups: []string{"2de3"}}
		s.At(starts, starts.Add(55*time.Minute), d.zone)
		if err := timetable.Add(ctx, tx, s); err != nil {
			return err
		}
		_, err := attendance.SaveRoll(ctx, tx, d.journal, starts, attendance.Save{School: d.town.School.ID, Sitting: id, Day: s.Day, Pupils: []string{pupil}, By: "a-roy", Origin: attendance.FromRoll,
			Entries: []attendance.Entry{{Pupil: pupil, Value: attendance.Absent}}})
		return err
	})
}

func (d *desk) count() register.Count {
	d.t.Helper()
	var c register.Count
	d.must(func(ctx context.Context, tx database.Tx) error {
		all, err := register.Read(ctx, tx, d.town.School, d.zone, "2026-11-01", "2026-11-30", nil)
		c = register.CountOf(all)
		return err
	})
	return c
}

func (d *desk) serve(as string, r *http.Request) *httptest.ResponseRecorder {
	r.AddCookie(&http.Cookie{Name: "as", Value: as})
	w := httptest.NewRecorder()
	d.routes.ServeHTTP(w, r)
	return w
}

func (d *desk) post(as, path string, form url.Values) int {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.serve(as, r).Code
}

// sendFile posts a justification with a document.
func (d *desk) sendFile(as, child, name string, b []byte) int {
	d.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for k, v := range map[string]string{"from_day": "2026-11-10", "from_part": "am", "until_day": "2026-11-10", "until_part": "pm", "reason": "illness"} {
		w.WriteField(k, v)
	}
	file, err := w.CreateFormFile("document", name)
	if err == nil {
		_, err = file.Write(b)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		d.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/children/"+child+"/register", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return d.serve(as, r).Code
}

func (d *desk) justifications() (all []register.Justification) {
	d.t.Helper()
	d.must(func(ctx context.Context, tx database.Tx) error {
		return tx.NewSelect().Model(&all).Order("at").Scan(ctx)
	})
	return all
}

// TestFromAbsenceToTheFile: four half-days put a pupil on the list, a reason of the law takes
// one off, an accepted justification too; what a roll corrects is no absence.
func TestFromAbsenceToTheFile(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		d := open(t, db)
		for _, day := range []int{3, 5, 10, 12} {
			d.missed("lea", day, 8)
		}
		d.missed("lea", 12, 10) // the same half-day
		if c := d.count(); c.All != 4 || c.Unjustified() != 4 || !register.InFile(c) {
			t.Fatalf("%+v", c)
		}
		if text := d.serve("office", httptest.NewRequest(http.MethodGet, "/register", nil)).Body.String(); !strings.Contains(text, "Benali") {
			t.Error("the list does not name her")
		}
		if code := d.post("office", "/pupils/lea/register", url.Values{"half": {"2026-11-03/am"}, "reason": {"illness"}}); code != http.StatusSeeOther {
			t.Fatal(code)
		}
		if c := d.count(); c.Excused != 1 || register.InFile(c) {
			t.Errorf("after a legitimate reason: %+v", c)
		}
		if code := d.post("nadia", "/children/lea/register", url.Values{"from_day": {"2026-11-10"}, "from_part": {"am"}, "until_day": {"2026-11-12"}, "until_part": {"pm"}, "reason": {"other"}}); code != http.StatusSeeOther {
			t.Fatal(code)
		}
		if c := d.count(); c.Waiting != 2 || c.Unjustified() != 3 {
			t.Errorf("justified and not examined: %+v", c)
		}
		settle := "/justifications/" + d.justifications()[0].ID + "/settle"
		if code := d.post("office", settle, url.Values{"to": {"accepted"}, "next": {"/register"}}); code != http.StatusSeeOther {
			t.Fatal(code)
		}
		if c := d.count(); c.Excused != 3 || c.Open != 1 {
			t.Errorf("accepted: %+v", c)
		}
		if code := d.post("office", settle, url.Values{"refusal": {"dates"}, "next": {"/register"}}); code != http.StatusConflict {
			t.Errorf("settled twice: %d", code)
		}
		// The office thinks again: the last word counts.
		d.now = d.now.Add(time.Minute)
		d.post("office", "/pupils/lea/register", url.Values{"half": {"2026-11-10/am"}, "reason": {"none"}})
		if c := d.count(); c.Unexcused != 1 || c.Excused != 2 {
			t.Errorf("%+v", c)
		}
		// A mistake is corrected on the roll: no absence, whatever was said of it.
		d.must(func(ctx context.Context, tx database.Tx) error {
			marks, err := attendance.Missed(ctx, tx, d.town.School.ID, "2026-11-03", "2026-11-03", nil)
			if err != nil || len(marks) != 1 {
				t.Fatalf("%d %v", len(marks), err)
			}
			_, err = attendance.SaveRoll(ctx, tx, d.journal, d.now, attendance.Save{School: d.town.School.ID, Sitting: marks[0].Sitting, Day: marks[0].Day, Pupils: []string{"lea"}, By: "x", Origin: attendance.FromOffice,
				Entries: []attendance.Entry{{Pupil: "lea", Value: attendance.Present, Base: marks[0].N}}})
			return err
		})
		if c := d.count(); c.All != 3 || c.Excused != 1 {
			t.Errorf("corrected: %+v", c)
		}
	})
}

// TestDocuments: what a document is its bytes say; it is kept under a name that nobody chose,
// read by the office and by who sent it, and never shown in a page.
func TestDocuments(t *testing.T) {
	t.Parallel()
	d := open(t, databasetest.SQLite(t))
	pdf := []byte("%PDF-1.7\n1 0 obj\n<<>>\nendobj\n")
	for name, b := range map[string][]byte{
		"page.pdf":   []byte("<html><script>alert(1)</script>"),
		"image.svg":  []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`),
		"empty.pdf":  {},
		"big.pdf":    append(bytes.Clone(pdf), make([]byte, 5<<20)...),
		"program":    []byte("MZ\x90\x00"),
		"letter.txt": []byte("Bonjour"),
	} {
		if code := d.sendFile("nadia", "lea", name, b); code != http.StatusUnprocessableEntity && code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", name, code)
		}
	}
	if code := d.sendFile("nadia", "lea", "huge.pdf", append(bytes.Clone(pdf), make([]byte, 8<<20)...)); code != http.StatusRequestEntityTooLarge {
		t.Errorf("8 MB: %d", code)
	}
	if code := d.sendFile("karim", "malo", "x.pdf", pdf); code != http.StatusNotFound {
		t.Errorf("of somebody else's child: %d", code)
	}
	if code := d.sendFile("ronan", "malo", "x.pdf", pdf); code != http.StatusNotFound {
		t.Errorf("by whom a court denies the child: %d", code)
	}
	if left, _ := filepath.Glob(filepath.Join(d.docs, "*", "*")); len(left) != 0 || len(d.justifications()) != 0 {
		t.Errorf("what was refused is kept: %q", left)
	}
	if code := d.sendFile("nadia", "lea", "../../certificat du docteur.pdf", pdf); code != http.StatusSeeOther {
		t.Fatal(code)
	}
	j := d.justifications()[0]
	file := filepath.Join(d.docs, d.town.School.ID, j.ID)
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 || j.Media != "application/pdf" {
		t.Fatalf("%v %+v", err, j)
	}
	get := func(as, path string) *httptest.ResponseRecorder {
		return d.serve(as, httptest.NewRequest(http.MethodGet, path, nil))
	}
	for as, path := range map[string]string{"office": "/justifications/" + j.ID + "/document", "nadia": "/children/lea/justifications/" + j.ID + "/document"} {
		w := get(as, path)
		h := w.Header()
		if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), pdf) {
			t.Errorf("%s: %d", as, w.Code)
		}
		if h.Get("Content-Disposition") != `attachment; filename="justificatif-2026-11-10.pdf"` || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", as, h)
		}
	}
	for as, path := range map[string]string{"karim": "/children/lea/justifications/" + j.ID + "/document", "nadia": "/children/sami/justifications/" + j.ID + "/document"} {
		if w := get(as, path); w.Code != http.StatusNotFound {
			t.Errorf("%s at %s: %d", as, path, w.Code)
		}
	}
	if w := get("roy", "/justifications/"+j.ID+"/document"); w.Code != http.StatusForbidden {
		t.Errorf("a teacher: %d", w.Code)
	}
	// Somebody put another file in its place.
	if err := os.WriteFile(file, []byte("<script>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if w := get("office", "/justifications/"+j.ID+"/document"); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "<script>alert") {
		t.Errorf("another file: %d", w.Code)
	}
}

// TestWhatOneGuardianSends says nothing to the other, and nobody reads here what is held today.
func TestWhatOneGuardianSends(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		d := open(t, db)
		d.missed("lea", 10, 8)
		d.missed("lea", 24, 8) // today: held, or a mistake
		d.sendFile("nadia", "lea", "x.pdf", []byte("%PDF-1.7\n"))
		see := func(as string) string {
			return page.Plain(d.serve(as, httptest.NewRequest(http.MethodGet, "/children/lea/register", nil)).Body.String())
		}
		if text := see("nadia"); !strings.Contains(text, "à examiner") || strings.Contains(text, "24 novembre, matin") {
			t.Errorf("who sent it reads\n%s", text)
		}
		if text := see("karim"); strings.Contains(text, "à examiner") || !strings.Contains(text, "à justifier") {
			t.Errorf("the other reads\n%s", text)
		}
	})
}

// TestExport: one line a half-day, and no cell that a spreadsheet takes for a formula.
func TestExport(t *testing.T) {
	t.Parallel()
	d := open(t, databasetest.SQLite(t))
	d.must(func(ctx context.Context, tx database.Tx) error {
		_, err := tx.NewRaw("UPDATE directory_people SET last_name = '=HYPERLINK(1)' WHERE id = 'malo'").Exec(ctx)
		return err
	})
	d.missed("lea", 10, 8)
	d.missed("malo", 10, 14)
	w := d.serve("office", httptest.NewRequest(http.MethodGet, "/register/export?month=2026-11", nil))
	text := w.Body.String()
	if w.Code != http.StatusOK || !strings.HasPrefix(text, "\ufeffNom;Prénom;Classe;Date;") || !strings.Contains(w.Header().Get("Content-Disposition"), "absences-2026-11.csv") {
		t.Fatalf("%d %q", w.Code, text)
	}
	for _, want := range []string{"Benali;Léa;2de 3;2026-11-10;matin;Sport;à justifier;\r\n", "'=HYPERLINK(1);Malo;2de 3;2026-11-10;après-midi;Sport;à justifier;\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no line %q in\n%s", want, text)
		}
	}
	w = d.serve("office", httptest.NewRequest(http.MethodGet, "/register/export?month=2026-11&as=xlsx", nil))
	z, err := zip.NewReader(bytes.NewReader(w.Body.Bytes()), int64(w.Body.Len()))
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := z.Open("xl/worksheets/sheet1.xml")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(sheet)
	if err != nil {
		t.Fatal(err)
	}
	// A text is a text, whatever it begins with; the tenth of November 2026 is a day.
	for _, want := range []string{`<c t="inlineStr"><is><t xml:space="preserve">=HYPERLINK(1)</t></is></c>`, `<c s="1"><v>46336</v></c>`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no cell %q in\n%s", want, b)
		}
	}
	if strings.Contains(string(b), "<f") {
		t.Error("the workbook has a formula")
	}
}

// spelt is a text of a workbook as spreadsheets read it: _x000A_ is a new line (ECMA-376, 22.9.2.19).
var spelt = regexp.MustCompile(`_x([0-9A-Fa-f]{4})_`)

// TestExportOfHostileNames: whatever a name is, a spreadsheet shows the name: no markup of the
// workbook, no sign spelt by its number, no formula in a table of text.
func TestExportOfHostileNames(t *testing.T) {
	t.Parallel()
	d := open(t, databasetest.SQLite(t))
	d.missed("malo", 10, 14)
	for name, inText := range map[string]string{
		`_x003D_1+1`:                     `_x003D_1+1`,
		`_x000a__x003D_`:                 `_x000a__x003D_`,
		`_x005F_x003D_`:                  `_x005F_x003D_`,
		`_x000a_x003D_`:                  `_x000a_x003D_`,
		`__x003D_`:                       `__x003D_`,
		`</t></is></c><c><f>1+1</f></c>`: `</t></is></c><c><f>1+1</f></c>`,
		`]]><!--`:                        `]]><!--`,
		`&#61;1+1`:                       `&#61;1+1`,
		`  d'Aubigné  `:                  `  d'Aubigné  `,
		"+1":                             "'+1",
		"-1":                             "'-1",
		"@SUM(1)":                        "'@SUM(1)",
		"\t=1":                           "'\t=1",
		"\n=1":                           "'\n=1",
		"＝1+1":                           "'＝1+1",
		"＠SUM(1)":                        "'＠SUM(1)",
		`a;"=1+1"`:                       `a;"=1+1"`,
	} {
		d.must(func(ctx context.Context, tx database.Tx) error {
			_, err := tx.NewRaw("UPDATE directory_people SET last_name = ? WHERE id = 'malo'", name).Exec(ctx)
			return err
		})
		w := d.serve("office", httptest.NewRequest(http.MethodGet, "/register/export?month=2026-11&as=xlsx", nil))
		z, err := zip.NewReader(bytes.NewReader(w.Body.Bytes()), int64(w.Body.Len()))
		if err != nil {
			t.Fatal(err)
		}
		sheet, err := z.Open("xl/worksheets/sheet1.xml")
		if err != nil {
			t.Fatal(err)
		}
		var book struct {
			Rows []struct {
				Cells []struct {
					Kind    string    `xml:"t,attr"`
					Text    string    `xml:"is>t"`
					Formula *struct{} `xml:"f"`
				} `xml:"c"`
			} `xml:"sheetData>row"`
		}
		if err := xml.NewDecoder(sheet).Decode(&book); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if len(book.Rows) != 2 || len(book.Rows[1].Cells) != 8 {
			t.Fatalf("%q: %+v", name, book)
		}
		for _, c := range book.Rows[1].Cells {
			if c.Formula != nil {
				t.Errorf("%q: the workbook has a formula", name)
			}
		}
		first := book.Rows[1].Cells[0]
		shown := spelt.ReplaceAllStringFunc(first.Text, func(s string) string {
			n, _ := strconv.ParseUint(s[2:6], 16, 16) // four such digits
			return string(rune(n))
		})
		if first.Kind != "inlineStr" || shown != name {
			t.Errorf("a spreadsheet shows %q as %q", name, shown)
		}
		w = d.serve("office", httptest.NewRequest(http.MethodGet, "/register/export?month=2026-11", nil))
		table := csv.NewReader(strings.NewReader(strings.TrimPrefix(w.Body.String(), "\ufeff")))
		table.Comma = ';'
		rows, err := table.ReadAll()
		if err != nil || len(rows) != 2 || rows[1][0] != inText {
			t.Errorf("the table says %q, %v, want %q", rows, err, inText)
		}
	}
}
