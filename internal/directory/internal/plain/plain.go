// Package plain reads a table that somebody made: one row for each pupil, or for each
// pupil and guardian, with columns of any name. A mapping says what each column is.
//
// Its promise: it reads what the mapping says and guesses nothing. What an adult is to a
// pupil comes from a word of the file, or from the person who imports; a digit is refused
// unless it is said how it is meant, and an adult of whom nothing is said is a contact,
// who is told nothing. Pupils are told apart by an identifier, or by name and date of
// birth; adults by an identifier, or by name and an address. Columns that are not mapped
// are kept aside and counted.
package plain

import (
	"cmp"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/workbook"
)

// Level is what an adult is to a pupil.
type Level string

// The levels.
const (
	Legal   Level = "legal"
	Carer   Level = "carer"
	Contact Level = "contact"
)

// Options of Read.
type Options struct {
	English  bool
	Map      string // see ParseMap
	UAI      string // of the school, where no column says it
	AllLegal bool   // somebody vouches that every adult is a legal representative
	// Digits says what digits as levels mean: "before-2018" 1 and 2 legal, 0 not,
	// "after-2018" 1 legal, 2 in charge, 3 contact; "": they are refused.
	Digits string
	// Columns gives the mapping as fields and the columns that they are: what a page asked
	// for. Map is empty then.
	Columns map[string]string
	Sheet   string // of a workbook, to read; empty: the only one that has rows
}

// Export is what one file says.
type Export struct {
	Schools  []School
	Aside    map[string]int // columns that are not mapped, with their rows
	Formulas int            // cells of a workbook whose text is what a formula gave last
	Hidden   int            // rows of a workbook that are read and not shown there
}

// School is one school's part.
type School struct {
	UAI, Name string
	Pupils    []Pupil
	Adults    []Person
	Links     []Link
}

// Person is a pupil or an adult; addresses as written.
type Person struct {
	Key, Last, First  string
	Email, SMS, Phone string
	Line              int
}

// Pupil is a person with a date of birth and a class.
type Pupil struct {
	Person
	Born, Class, Group string
}

// Link joins two.
type Link struct {
	Pupil, Adult string
	Level        Level
	Kinship      string
	Consent      string // "yes", "no", ""
	Raw          string
	Line         int
}

const (
	maxAdults = 9 // of one row
	maxCell   = 4 << 10
	maxRows   = 200_000
	maxListed = 1_000
)

var (
	whyMap       = intake.Why("correspondance « %s » illisible : attendu colonne=champ, séparés par des virgules, comme Nom=last,Prénom=first", "unreadable mapping %q: expected column=field, with commas between, as in Name=last,First name=first")
	whyField     = intake.Why("champ « %s » inconnu (champs : %s)", "unknown field %q (fields: %s)")
	whyFieldTwo  = intake.Why("champ « %s » donné deux fois dans --map", "field %q given twice in --map")
	whyNoMap     = intake.Why("un tableau simple se lit avec --map : dites ce qu'est chaque colonne, comme --map \"Nom=last,Prénom=first,Né le=born\" (colonnes du fichier : %s)", "a plain table is read with --map: say what each column is, as in --map \"Name=last,First name=first,Born=born\" (columns of the file: %s)")
	whyNeeds     = intake.Why("--map doit donner last et first, et id ou born pour distinguer les homonymes", "--map must give last and first, and id or born to tell namesakes apart")
	whyColumn    = intake.Why("colonne « %s » absente (colonnes du fichier : %s)", "column %q is missing (columns of the file: %s)")
	whyColumnTwo = intake.Why("deux colonnes « %s » : renommez-en une", "two columns %q: rename one of them")
	whyWidth     = intake.Why("ligne de %d cellules sous un en-tête de %d : un texte contient sans doute le séparateur, ou le fichier est tronqué", "row of %d cells below a header of %d: a text probably holds the delimiter, or the file is truncated")
	whyEmpty     = intake.Why("« %s » vide : complétez la ligne", "%q is empty: complete the row")
	whyDate      = intake.Why("date « %s » illisible : attendu jj/mm/aaaa ou aaaa-mm-jj", "unreadable date %q: expected dd/mm/yyyy or yyyy-mm-dd")
	whyDigit     = intake.Why("niveau « %s » : ce chiffre a changé de sens en mars 2018 ; dites lequel avec --dialect before-2018 ou --dialect after-2018, ou écrivez « légal », « en charge » ou « contact »", "level %q: this digit changed its meaning in March 2018; say which with --dialect before-2018 or --dialect after-2018, or write \"legal\", \"in charge\" or \"contact\"")
	whyLevel     = intake.Why("niveau « %s » inconnu : attendu « légal », « en charge » ou « contact »", "unknown level %q: expected \"legal\", \"in charge\" or \"contact\"")
	whyConsent   = intake.Why("accord « %s » illisible : attendu oui ou non", "unreadable consent %q: expected yes or no")
	whySame      = intake.Why("l'élève « %s » est déjà ligne %d avec un autre nom, une autre date ou une autre classe", "pupil %q is on line %d already with another name, date or class")
	whyTwoLinks  = intake.Why("deux liens contradictoires entre %s et %s, lignes %d et %d", "two contradicting links between %s and %s, lines %d and %d")
	whyUAI       = intake.Why("code d'établissement « %s » illisible ou absent : donnez-le avec --uai", "code of the school %q unreadable or missing: give it with --uai")
	whyRows      = intake.Why("plus de %d lignes : aucune école n'en a tant", "more than %d rows: no school has so many")
	whyMore      = intake.Why("et %d autres refus, non listés", "and %d more refusals, not listed")
)

var pupilFields = []string{"id", "last", "first", "born", "class", "group", "email", "sms", "phone", "uai", "school"}
var adultFields = []string{"id", "last", "first", "level", "kinship", "consent", "email", "sms", "phone"}

// ParseMap reads "Nom=last,Prénom=first,Mère=g1.last,@légal=g1.level": columns and the
// fields that they are, g1 to g9 being the adults of a row; what begins with @ is no
// column but the value of every row.
func ParseMap(s string) (columns, fixed map[string]string, err error) {
	columns, fixed = map[string]string{}, map[string]string{}
	for pair := range strings.SplitSeq(s, ",") {
		column, field, ok := strings.Cut(strings.TrimSpace(pair), "=")
		column, field = strings.TrimSpace(column), strings.ToLower(strings.TrimSpace(field))
		if !ok || column == "" || field == "" {
			return nil, nil, &intake.Stop{Reason: whyMap, Args: []any{intake.Shorten(pair)}}
		}
		if !isField(field) {
			return nil, nil, &intake.Stop{Reason: whyField, Args: []any{intake.Shorten(field), strings.Join(pupilFields, ", ") + ", g1." + strings.Join(adultFields, ", g1.") + ", g2…"}}
		}
		if columns[field] != "" || fixed[field] != "" {
			return nil, nil, &intake.Stop{Reason: whyFieldTwo, Args: []any{field}}
		}
		if value, is := strings.CutPrefix(column, "@"); is {
			fixed[field] = value
		} else {
			columns[field] = column
		}
	}
	return columns, fixed, enough(columns)
}

// enough tells whether a mapping can tell pupils apart.
func enough(columns map[string]string) error {
	if columns["last"] == "" || columns["first"] == "" || columns["id"] == "" && columns["born"] == "" {
		return &intake.Stop{Reason: whyNeeds}
	}
	return nil
}

func isField(field string) bool {
	who, what, adult := strings.Cut(field, ".")
	if !adult {
		return slices.Contains(pupilFields, field)
	}
	return len(who) == 2 && who[0] == 'g' && who[1] >= '1' && who[1] <= '9' && slices.Contains(adultFields, what)
}

// Read reads one table. The refusals hold everything back: of a table that somebody made
// nothing is taken until it is right.
func Read(f intake.File, o Options) (*Export, []intake.Refusal, error) {
	r := &reader{o: o, file: f.Path, out: &Export{Aside: map[string]int{}}, schools: map[string]*School{}, pupils: map[string]*Pupil{}, adults: map[string]bool{}, links: map[string]Link{}}
	err := r.read(f)
	var stopped *intake.Stop
	switch {
	case errors.As(err, &stopped):
		r.refusals = append(r.refusals, stopped.Refusal(r.file, o.English))
	case err != nil:
		return nil, nil, err
	}
	if r.more > 0 {
		r.refusals = append(r.refusals, intake.Refusal{File: r.file, Reason: whyMore.Text(o.English, r.more), HoldsBackAll: true})
	}
	for _, uai := range r.order {
		s := r.schools[uai]
		for i := range s.Pupils {
			s.Pupils[i] = *r.pupils[uai+" "+s.Pupils[i].Key]
		}
		r.out.Schools = append(r.out.Schools, *s)
	}
	return r.out, r.refusals, nil
}

type reader struct {
	o        Options
	file     string
	out      *Export
	schools  map[string]*School
	order    []string
	pupils   map[string]*Pupil
	adults   map[string]bool
	links    map[string]Link
	refusals []intake.Refusal
	more     int

	at    map[string]int
	fixed map[string]string
	row   []string
	line  int
}

func (r *reader) refuse(why intake.Reason, args ...any) {
	if len(r.refusals) == maxListed {
		r.more++
		return
	}
	r.refusals = append(r.refusals, (&intake.Stop{Line: r.line, Reason: why, Args: args}).Refusal(r.file, r.o.English))
}

func (r *reader) read(f intake.File) error {
	t, sheet, err := openRows(f, r.o.Sheet)
	if sheet != "" {
		r.file += " [" + intake.Shorten(sheet) + "]"
	}
	if err != nil {
		return err
	}
	defer t.Close()
	header, err := t.Row()
	if err == io.EOF {
		return &intake.Stop{Reason: whyNeeds}
	}
	if err != nil {
		return err
	}
	all := intake.Shorten(strings.Join(header, ", "))
	columns, fixed := r.o.Columns, map[string]string{}
	switch {
	case columns != nil:
		err = enough(columns)
	case r.o.Map == "":
		return t.Stop(whyNoMap, all)
	default:
		columns, fixed, err = ParseMap(r.o.Map)
	}
	if err != nil {
		return err
	}
	r.fixed, r.at = fixed, map[string]int{}
	mapped := map[int]bool{}
	for _, field := range slices.Sorted(keys(columns)) {
		at := -1
		for i, h := range header {
			if intake.Fold(h) != intake.Fold(columns[field]) {
				continue
			}
			if at >= 0 {
				return t.Stop(whyColumnTwo, intake.Shorten(h))
			}
			at = i
		}
		if at < 0 {
			return t.Stop(whyColumn, intake.Shorten(columns[field]), all)
		}
		r.at[field], mapped[at] = at, true
	}
	for rows := 0; ; rows++ {
		row, err := t.Row()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if rows == maxRows {
			return t.Stop(whyRows, maxRows)
		}
		r.row, r.line = row, lineOf(t)
		switch {
		case !slices.ContainsFunc(row, func(c string) bool { return strings.TrimSpace(c) != "" }):
			continue
		case len(row) != len(header):
			return t.Stop(whyWidth, len(row), len(header))
		}
		for i, cell := range row {
			if !mapped[i] && strings.TrimSpace(cell) != "" {
				r.out.Aside[intake.Shorten(header[i])]++
			}
		}
		r.pupil()
	}
	if w, ok := t.(*workbook.Rows); ok {
		r.out.Formulas, r.out.Hidden = w.Formulas, w.Hidden
	}
	return nil
}

func keys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// get is what the row says of a field.
func (r *reader) get(field string) string {
	cell := r.fixed[field]
	if i, ok := r.at[field]; ok {
		cell = r.row[i]
	}
	if len(cell) > maxCell {
		cell = cell[:maxCell]
	}
	return strings.Join(strings.Fields(cell), " ")
}

func (r *reader) has(field string) bool {
	_, column := r.at[field]
	return column || r.fixed[field] != ""
}

func (r *reader) pupil() {
	uai := strings.ToUpper(cmp.Or(r.get("uai"), r.o.UAI))
	if len(uai) < 3 || len(uai) > 20 || strings.ContainsAny(uai, " /\\") {
		r.refuse(whyUAI, intake.Shorten(uai))
		return
	}
	p := Pupil{Person: Person{Last: r.get("last"), First: r.get("first"), Email: r.get("email"), SMS: r.get("sms"), Phone: r.get("phone"), Line: r.line}, Class: r.get("class"), Group: r.get("group")}
	for _, field := range []string{"last", "first"} {
		if r.get(field) == "" {
			r.refuse(whyEmpty, field)
			return
		}
	}
	if written := r.get("born"); written != "" {
		day, ok := date(written)
		if !ok {
			r.refuse(whyDate, intake.Shorten(written))
			return
		}
		p.Born = day
	}
	p.Key = r.get("id")
	switch {
	case r.has("id") && p.Key == "":
		r.refuse(whyEmpty, "id")
		return
	case p.Key == "" && p.Born == "":
		r.refuse(whyEmpty, "born")
		return
	case p.Key == "":
		p.Key = intake.Fold(p.Last) + "|" + intake.Fold(p.First) + "|" + p.Born
	}
	s := r.schools[uai]
	if s == nil {
		s = &School{UAI: uai, Name: cmp.Or(r.get("school"), uai)}
		r.schools[uai] = s
		r.order = append(r.order, uai)
	}
	k := uai + " " + p.Key
	if old := r.pupils[k]; old == nil {
		r.pupils[k] = &p
		s.Pupils = append(s.Pupils, p)
	} else if old.Last != p.Last || old.First != p.First || old.Born != p.Born || old.Class != p.Class || old.Group != p.Group {
		r.refuse(whySame, intake.Shorten(p.Key), old.Line)
		return
	}
	for n := range maxAdults {
		r.adult(s, p, "g"+string(rune('1'+n))+".")
	}
}

func (r *reader) adult(s *School, p Pupil, g string) {
	a := Person{Key: r.get(g + "id"), Last: r.get(g + "last"), First: r.get(g + "first"), Email: r.get(g + "email"), SMS: r.get(g + "sms"), Phone: r.get(g + "phone"), Line: r.line}
	if a.Last == "" && a.First == "" && a.Key == "" {
		if a.Email+a.SMS+a.Phone != "" {
			r.refuse(whyEmpty, g+"last")
		}
		return
	}
	if a.Last == "" {
		r.refuse(whyEmpty, g+"last")
		return
	}
	if a.Key == "" {
		// Two of one name and one address are one person; without an address, nobody knows.
		a.Key = intake.Fold(a.Last) + "|" + intake.Fold(a.First) + "|" + strings.ToLower(cmp.Or(a.Email, number(a.SMS), number(a.Phone), "of "+p.Key))
	}
	l := Link{Pupil: p.Key, Adult: a.Key, Kinship: r.get(g + "kinship"), Line: r.line}
	var ok bool
	if l.Level, ok = r.level(r.get(g + "level")); !ok {
		return
	}
	if l.Consent, ok = r.consent(r.get(g + "consent")); !ok {
		return
	}
	l.Raw = strings.Join([]string{r.get(g + "level"), l.Kinship, r.get(g + "consent")}, "; ")
	k := s.UAI + " " + p.Key + " " + a.Key
	if old, twice := r.links[k]; twice {
		if old.Level != l.Level || old.Consent != l.Consent {
			r.refuse(whyTwoLinks, a.First+" "+a.Last, p.First+" "+p.Last, old.Line, l.Line)
		}
		return
	}
	r.links[k] = l
	s.Links = append(s.Links, l)
	if !r.adults[s.UAI+" "+a.Key] {
		r.adults[s.UAI+" "+a.Key] = true
		s.Adults = append(s.Adults, a)
	}
}

// number is a telephone number as it tells a person apart: 06 39 98 01 02, +33639980102
// and the 639980102 that a spreadsheet leaves of it are one.
func number(s string) string {
	s = strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, s)
	if rest, ok := strings.CutPrefix(strings.TrimPrefix(s, "00"), "33"); ok && len(rest) == 9 {
		return "0" + rest
	}
	if len(s) == 9 && s[0] != '0' {
		return "0" + s
	}
	return s
}

// level reads a word. Nothing is no right.
func (r *reader) level(written string) (Level, bool) {
	if r.o.AllLegal {
		return Legal, true
	}
	switch folded := intake.Fold(written); folded {
	case "legal", "legale", "representant legal", "representante legale", "responsable legal", "responsable legale", "legal representative", "legal guardian":
		return Legal, true
	case "en charge", "personne en charge", "in charge", "carer":
		return Carer, true
	case "", "contact", "personne a contacter", "a contacter":
		return Contact, true
	case "0", "1", "2", "3":
		switch r.o.Digits + " " + folded {
		case "before-2018 1", "before-2018 2", "after-2018 1":
			return Legal, true
		case "after-2018 2":
			return Carer, true
		case "before-2018 0", "after-2018 3":
			return Contact, true
		}
		r.refuse(whyDigit, folded)
	default:
		r.refuse(whyLevel, intake.Shorten(written))
	}
	return "", false
}

func (r *reader) consent(written string) (string, bool) {
	switch intake.Fold(written) {
	case "":
		return "", true
	case "oui", "o", "yes", "y", "1", "true", "vrai":
		return "yes", true
	case "non", "n", "no", "0", "false", "faux":
		return "no", true
	}
	r.refuse(whyConsent, intake.Shorten(written))
	return "", false
}

func date(written string) (string, bool) {
	for _, form := range []string{time.DateOnly, "02/01/2006", "2/1/2006"} {
		if t, err := time.Parse(form, written); err == nil && t.Year() > 1900 {
			return t.Format(time.DateOnly), true
		}
	}
	return "", false
}
