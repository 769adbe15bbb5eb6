// Package sts reads what STS-web hands over for timetables: sts_emp_<UAI>_<year>.xml,
// root STS_EDT. It has the staff of one school and the services: who teaches which
// subject to which class or group. No pupil and no guardian stands in it.
//
// Its promise: what it hands over is what the file says, or it says which line and what
// to do. The way back, emp_sts_*.xml (root EDT_STS), has almost the same name: it is
// refused by its root. Elements that it does not know are passed over and counted.
package sts

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// Export is one school's file.
type Export struct {
	UAI    string
	Name   string // of the school; "" where the file does not say
	Year   string // in which the school year begins
	Staff  []Staff
	Groups []Group
	Aside  map[string]int // elements that were passed over
	// Unknown counts the teachers of services who are not among the staff.
	Unknown  int
	Encoding string
}

// Staff is an INDIVIDU.
type Staff struct {
	Key         string // type and number: "epp 12345"
	Last, First string
	Function    string   // "ENS", "DIR"…
	Principal   []string // codes of the classes of which they are the form teacher
	Line        int
}

// Group is a DIVISION (a class) or a GROUPE, with what is taught to it.
type Group struct {
	Code, Label string
	Class       bool
	Of          []string // classes that a group takes its pupils from
	Services    []Service
	Line        int
}

// Service is one subject taught to one group by some.
type Service struct {
	Subject  string // code of the ministry
	Label    string // "" where the file does not have the subject
	Teachers []string
}

// Limits of what one school has.
const (
	maxText     = 4 << 10
	maxStaff    = 5_000
	maxGroups   = 5_000
	maxServices = 200_000
)

var (
	whyOther   = intake.Why("racine EDT_STS : c'est le fichier de retour (emp_sts), donnez celui que STS-web exporte vers l'emploi du temps (sts_emp)", "root EDT_STS: this is the file for the way back (emp_sts), give the one that STS-web exports for timetables (sts_emp)")
	whyRoot    = intake.Why("élément racine « %s » trouvé, « STS_EDT » attendu : ce n'est pas un fichier sts_emp", "root element %q found, \"STS_EDT\" expected: this is no sts_emp file")
	whyUAI     = intake.Why("code UAI « %s » illisible ou absent (PARAMETRES/UAJ) : demandez un nouvel export", "UAI code %q unreadable or missing (PARAMETRES/UAJ): ask for a new export")
	whyNoStaff = intake.Why("aucun individu dans ce fichier : demandez un export complet", "no staff in this file: ask for a whole export")
	whyNoID    = intake.Why("<%s> sans %s : demandez un nouvel export", "<%s> without %s: ask for a new export")
	whyNoName  = intake.Why("individu %s sans nom", "individual %s without a name")
	whyTwice   = intake.Why("« %s » deux fois, lignes %d et %d : on ne peut pas savoir lequel est le bon", "%q twice, lines %d and %d: there is no knowing which is right")
	whyTooMany = intake.Why("plus de %d <%s> : ce n'est pas l'export d'un établissement", "more than %d <%s>: this is not the export of one school")
	uaiForm    = regexp.MustCompile(`^[0-9]{7}[A-Za-z]$`)
)

// Recognise says whether a file looks like one, or like the one for the way back, which
// is refused with a reason.
func Recognise(f intake.File) bool {
	return strings.Contains(string(f.Head), "<STS_EDT") || strings.Contains(string(f.Head), "<EDT_STS")
}

// Read reads one file. The error is an *intake.Stop, or a failure of the machine.
func Read(f intake.File) (*Export, error) {
	src, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return read(src)
}

func read(src io.Reader) (*Export, error) {
	x, err := intake.NewXML(src, "STS_EDT")
	if err != nil {
		return nil, err
	}
	r := &reader{XML: x, out: &Export{Aside: map[string]int{}, Encoding: x.Encoding}, subjects: map[string]string{}}
	root, err := x.Root()
	switch {
	case err != nil:
		return nil, err
	case root.Name.Local == "EDT_STS":
		return nil, x.Stop(whyOther)
	case root.Name.Local != "STS_EDT":
		return nil, x.Stop(whyRoot, intake.Shorten(root.Name.Local))
	}
	if err := r.in("STS_EDT", map[string]func(xml.StartElement) error{
		"PARAMETRES": r.parameters, "NOMENCLATURES": r.nomenclatures, "DONNEES": r.data,
	}); err != nil {
		return nil, err
	}
	if err := x.End(); err != nil {
		return nil, err
	}
	return r.finish()
}

type reader struct {
	*intake.XML
	out      *Export
	subjects map[string]string
	services int
}

// in reads the children of an element: those that have a reader, and passes over the
// others.
func (r *reader) in(parent string, children map[string]func(xml.StartElement) error) error {
	for {
		tok, err := r.Element(parent)
		if err != nil {
			return err
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			return nil
		}
		if read := children[start.Name.Local]; read != nil {
			err = read(start)
		} else {
			if len(r.out.Aside) < 1000 {
				r.out.Aside[intake.Shorten(start.Name.Local)]++
			}
			err = r.Skip(start.Name.Local)
		}
		if err != nil {
			return err
		}
	}
}

// text reads an element of text alone.
func (r *reader) text(into *string) func(xml.StartElement) error {
	return func(start xml.StartElement) error {
		text, err := r.Characters(start.Name.Local, start.Name.Local, maxText)
		*into = strings.Join(strings.Fields(string(text)), " ")
		return err
	}
}

func attr(start xml.StartElement, name string) string {
	for _, a := range start.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

func (r *reader) parameters(xml.StartElement) error {
	return r.in("PARAMETRES", map[string]func(xml.StartElement) error{
		"UAJ": func(start xml.StartElement) error {
			r.out.UAI = strings.ToUpper(attr(start, "CODE"))
			if !uaiForm.MatchString(r.out.UAI) {
				return r.Stop(whyUAI, intake.Shorten(r.out.UAI))
			}
			var kind, name string
			err := r.in("UAJ", map[string]func(xml.StartElement) error{"DENOM_PRINC": r.text(&kind), "DENOM_COMPL": r.text(&name)})
			r.out.Name = strings.TrimSpace(kind + " " + name)
			return err
		},
		"ANNEE_SCOLAIRE": func(start xml.StartElement) error {
			r.out.Year = attr(start, "ANNEE")
			return r.Skip("ANNEE_SCOLAIRE")
		},
	})
}

func (r *reader) nomenclatures(xml.StartElement) error {
	return r.in("NOMENCLATURES", map[string]func(xml.StartElement) error{"MATIERES": func(xml.StartElement) error {
		return r.in("MATIERES", map[string]func(xml.StartElement) error{"MATIERE": func(start xml.StartElement) error {
			code := attr(start, "CODE")
			var short, long, edition string
			err := r.in("MATIERE", map[string]func(xml.StartElement) error{"LIBELLE_COURT": r.text(&short), "LIBELLE_LONG": r.text(&long), "LIBELLE_EDITION": r.text(&edition)})
			for _, label := range []string{short, long, edition} {
				if label != "" {
					r.subjects[code] = label
				}
			}
			if len(r.subjects) > maxGroups {
				return r.Stop(whyTooMany, maxGroups, "MATIERE")
			}
			return err
		}})
	}})
}

func (r *reader) data(xml.StartElement) error {
	return r.in("DONNEES", map[string]func(xml.StartElement) error{
		"INDIVIDUS": func(xml.StartElement) error {
			return r.in("INDIVIDUS", map[string]func(xml.StartElement) error{"INDIVIDU": r.individual})
		},
		"STRUCTURE": func(xml.StartElement) error {
			return r.in("STRUCTURE", map[string]func(xml.StartElement) error{
				"DIVISIONS": func(xml.StartElement) error {
					return r.in("DIVISIONS", map[string]func(xml.StartElement) error{"DIVISION": r.group})
				},
				"GROUPES": func(xml.StartElement) error {
					return r.in("GROUPES", map[string]func(xml.StartElement) error{"GROUPE": r.group})
				},
			})
		},
	})
}

// key names a member of staff: two of two types may have one number.
func key(kind, id string) string { return strings.ToLower(kind) + " " + id }

func (r *reader) individual(start xml.StartElement) error {
	s := Staff{Line: r.Line}
	id, kind := attr(start, "ID"), attr(start, "TYPE")
	if id == "" {
		return r.Stop(whyNoID, "INDIVIDU", "ID")
	}
	s.Key = key(kind, id)
	var family string
	err := r.in("INDIVIDU", map[string]func(xml.StartElement) error{
		"NOM_USAGE": r.text(&s.Last), "NOM_PATRONYMIQUE": r.text(&family), "PRENOM": r.text(&s.First), "FONCTION": r.text(&s.Function),
		"PROFS_PRINC": func(xml.StartElement) error {
			return r.in("PROFS_PRINC", map[string]func(xml.StartElement) error{"PROF_PRINC": func(xml.StartElement) error {
				var code string
				err := r.in("PROF_PRINC", map[string]func(xml.StartElement) error{"CODE_STRUCTURE": r.text(&code)})
				if code != "" && !slices.Contains(s.Principal, code) {
					s.Principal = append(s.Principal, code)
				}
				return err
			}})
		},
	})
	if err != nil {
		return err
	}
	if s.Last == "" {
		s.Last = family
	}
	switch {
	case s.Last == "":
		return &intake.Stop{Line: s.Line, Reason: whyNoName, Args: []any{intake.Shorten(s.Key)}}
	case len(r.out.Staff) == maxStaff:
		return r.Stop(whyTooMany, maxStaff, "INDIVIDU")
	}
	r.out.Staff = append(r.out.Staff, s)
	return nil
}

func (r *reader) group(start xml.StartElement) error {
	name := start.Name.Local
	g := Group{Line: r.Line, Class: name == "DIVISION", Code: attr(start, "CODE")}
	if g.Code == "" {
		return r.Stop(whyNoID, name, "CODE")
	}
	services := func(xml.StartElement) error {
		return r.in("SERVICES", map[string]func(xml.StartElement) error{"SERVICE": func(start xml.StartElement) error { return r.service(start, &g) }})
	}
	err := r.in(name, map[string]func(xml.StartElement) error{
		"LIBELLE_LONG": r.text(&g.Label), "SERVICES": services,
		"DIVISIONS_APPARTENANCE": func(xml.StartElement) error {
			return r.in("DIVISIONS_APPARTENANCE", map[string]func(xml.StartElement) error{"DIVISION_APPARTENANCE": func(start xml.StartElement) error {
				if code := attr(start, "CODE"); code != "" {
					g.Of = append(g.Of, code)
				}
				return r.in("DIVISION_APPARTENANCE", map[string]func(xml.StartElement) error{"SERVICES": services})
			}})
		},
	})
	if len(r.out.Groups) == maxGroups {
		return r.Stop(whyTooMany, maxGroups, name)
	}
	r.out.Groups = append(r.out.Groups, g)
	return err
}

func (r *reader) service(start xml.StartElement, g *Group) error {
	s := Service{Subject: attr(start, "CODE_MATIERE")}
	err := r.in("SERVICE", map[string]func(xml.StartElement) error{"ENSEIGNANTS": func(xml.StartElement) error {
		return r.in("ENSEIGNANTS", map[string]func(xml.StartElement) error{"ENSEIGNANT": func(start xml.StartElement) error {
			id := attr(start, "ID")
			if id == "" {
				return r.Stop(whyNoID, "ENSEIGNANT", "ID")
			}
			if r.services++; r.services > maxServices {
				return r.Stop(whyTooMany, maxServices, "ENSEIGNANT")
			}
			s.Teachers = append(s.Teachers, key(attr(start, "TYPE"), id))
			return r.Skip("ENSEIGNANT")
		}})
	}})
	g.Services = append(g.Services, s)
	return err
}

// finish checks what only the whole file can tell.
func (r *reader) finish() (*Export, error) {
	e := r.out
	switch {
	case e.UAI == "":
		return nil, &intake.Stop{Reason: whyUAI, Args: []any{""}}
	case len(e.Staff) == 0:
		return nil, &intake.Stop{Reason: whyNoStaff}
	}
	byKey, byID := map[string]Staff{}, map[string][]string{}
	for _, s := range e.Staff {
		if before, twice := byKey[s.Key]; twice {
			return nil, &intake.Stop{Line: s.Line, Reason: whyTwice, Args: []any{s.Key, before.Line, s.Line}}
		}
		byKey[s.Key] = s
		_, id, _ := strings.Cut(s.Key, " ")
		byID[id] = append(byID[id], s.Key)
	}
	seen := map[string]int{}
	for i := range e.Groups {
		g := &e.Groups[i]
		k := g.Code
		if !g.Class {
			k = "GROUPE " + k
		}
		if before, twice := seen[k]; twice {
			return nil, &intake.Stop{Line: g.Line, Reason: whyTwice, Args: []any{g.Code, before, g.Line}}
		}
		seen[k] = g.Line
		for j := range g.Services {
			s := &g.Services[j]
			s.Label = r.subjects[s.Subject]
			var known []string
			for _, t := range s.Teachers {
				if _, ok := byKey[t]; !ok {
					// Without its type a number is somebody's if only one has it.
					if _, id, _ := strings.Cut(t, " "); strings.HasPrefix(t, " ") && len(byID[id]) == 1 {
						t = byID[id][0]
					} else {
						e.Unknown++
						continue
					}
				}
				if !slices.Contains(known, t) {
					known = append(known, t)
				}
			}
			s.Teachers = known
		}
	}
	slices.SortFunc(e.Staff, func(a, b Staff) int { return strings.Compare(a.Key, b.Key) })
	return e, nil
}

// Refusal turns what Read returned into one, or gives the error back.
func Refusal(err error, path string, english bool) (intake.Refusal, error) {
	var stopped *intake.Stop
	if errors.As(err, &stopped) {
		return stopped.Refusal(path, english), nil
	}
	return intake.Refusal{}, err
}
