package aaftest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"

	"github.com/preau-ent/preau/internal/directory/internal/aaf"
)

// grammar is the document type that the files point to. Nothing reads it.
const grammar = `<!ELEMENT ficAlimMENESR (addRequest|modifyRequest|deleteRequest)*>
<!ELEMENT addRequest (operationalAttributes, identifier, attributes)>
<!ELEMENT operationalAttributes (attr)>
<!ELEMENT identifier (id)>
<!ELEMENT attributes (attr+)>
<!ELEMENT attr (value+)>
<!ATTLIST attr name CDATA #REQUIRED>
<!ELEMENT value (#PCDATA)>
<!ELEMENT id (#PCDATA)>
`

// write writes every file of the export.
func (g *generator) write(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "ficAlimMENESR.dtd"), []byte(grammar), 0o644); err != nil {
		return err
	}
	guardians := append(append([]aaf.Guardian(nil), g.out.Guardians...), g.strays...)
	g.rng.Shuffle(len(guardians), func(i, j int) { guardians[i], guardians[j] = guardians[j], guardians[i] })
	kinds := []struct {
		name  string
		count int
		one   func(w *writer, i int)
	}{
		{"EtabEducNat", len(g.out.Schools), func(w *writer, i int) { w.school(g.out.Schools[i]) }},
		{"MatiereEducNat", 5, func(w *writer, i int) { w.subject(i) }},
		{"MefEducNat", len(grades), func(w *writer, i int) { w.mef(i) }},
		{"PersEducNat", len(g.out.Staff), func(w *writer, i int) { w.staff(g.out.Staff[i]) }},
		{"Eleve", len(g.out.Pupils), func(w *writer, i int) { w.pupil(g.out.Pupils[i]) }},
		{"PersRelEleve", len(guardians), func(w *writer, i int) { w.guardian(guardians[i]) }},
	}
	per := g.size.PerFile
	if per <= 0 {
		per = 2000
	}
	for _, k := range kinds {
		for n := 0; n == 0 || n*per < k.count; n++ {
			path := filepath.Join(dir, fmt.Sprintf("ENT_FICTIF_Complet_20130117_%s_%04d.xml", k.name, n))
			err := g.file(path, n, func(w *writer) {
				for i := n * per; i < min(k.count, (n+1)*per); i++ {
					k.one(w, i)
				}
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *generator) file(path string, n int, body func(*writer)) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	buffered := bufio.NewWriterSize(f, 64<<10)
	var out io.Writer = buffered
	if g.size.Latin {
		out = transform.NewWriter(buffered, charmap.ISO8859_15.NewEncoder())
	}
	w := &writer{out: out, later: g.size.Later}
	if g.size.CRLF {
		w.newline = "\r\n"
	} else {
		w.newline = "\n"
	}
	// The real export declares its encoding in some files and not in others.
	switch {
	case g.size.Latin:
		w.line(`<?xml version="1.0" encoding="ISO-8859-15"?>`)
	case n%2 == 0:
		w.line(`<?xml version="1.0" encoding="UTF-8"?>`)
	}
	w.line(`<!DOCTYPE ficAlimMENESR SYSTEM "ficAlimMENESR.dtd">`)
	w.line(`<ficAlimMENESR>`)
	if !g.size.Unnamed {
		version := "AAF-VE1301"
		if g.size.Later {
			version = "AAF-VE1711"
		}
		if g.size.Current {
			version = "AAF-VE2410"
		}
		w.line(`<!-- versionAF="` + version + `" -->`)
	}
	w.line("")
	body(w)
	w.text(`</ficAlimMENESR>`)
	if w.err != nil {
		return w.err
	}
	if c, ok := out.(io.Closer); ok {
		if err := c.Close(); err != nil {
			return err
		}
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// writer writes records as the ministry does: one attribute a line.
type writer struct {
	out     io.Writer
	newline string
	later   bool
	err     error
	empty   int
}

func (w *writer) text(s string) {
	if w.err == nil {
		_, w.err = io.WriteString(w.out, s)
	}
}

func (w *writer) line(s string) { w.text(s); w.text(w.newline) }

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&apos;")

func (w *writer) begin(attr, category, id string) {
	w.line(`<addRequest>`)
	w.line(`<operationalAttributes><attr name="` + attr + `"><value>` + category + `</value></attr></operationalAttributes> `)
	w.line(`<identifier><id>` + id + `</id></identifier>`)
	w.line(`<attributes>`)
}

func (w *writer) end() {
	w.line(`</attributes>`)
	w.line(`</addRequest>`)
	w.line("")
}

// attr writes the values that are not empty; without any it writes emptiness in the
// two ways of the real export, and now and then in a third, seen elsewhere.
func (w *writer) attr(name string, values ...string) {
	w.text(`<attr name="` + name + `">`)
	some := false
	for _, v := range values {
		if v != "" {
			w.text(`<value>` + escape.Replace(v) + `</value>`)
			some = true
		}
	}
	if !some {
		w.empty++
		switch {
		case w.empty%17 == 0:
		case w.empty%5 == 0:
			w.text(`<value></value>`)
		default:
			w.text(`<value/>`)
		}
	}
	w.line(`</attr>`)
}

func (w *writer) subject(i int) {
	id := fmt.Sprintf("%06d", 20700+100*i)
	w.begin("categorieMatiere", "MatEducNat", id)
	w.attr("ENTMatJointure", id)
	w.attr("ENTLibelleMatiere", []string{"FRANCAIS", "MATHEMATIQUES", "ANGLAIS LV1", "ARTS & CULTURE", "VIE DE CLASSE"}[i])
	w.end()
}

func (w *writer) mef(i int) {
	id := fmt.Sprintf("100%08d", 10012110+i)
	w.begin("categorieMef", "MefEducNat", id)
	w.attr("ENTMefJointure", id)
	w.attr("ENTLibelleMef", grades[i])
	w.attr("ENTMEFRattach", id)
	w.attr("ENTMEFSTAT11", "")
	w.end()
}

func (w *writer) school(s aaf.School) {
	w.begin("categorieStructure", "EtabEducNat", s.Key)
	w.attr("ENTStructureJointure", s.Key)
	w.attr("ENTStructureUAI", s.UAI)
	w.attr("ENTEtablissementUAI", s.UAI)
	w.attr("ENTStructureSIREN")
	w.attr("ENTStructureNomCourant", s.Name)
	w.attr("ENTStructureTypeStruct", s.Type)
	w.attr("ENTEtablissementMinistereTutelle")
	w.attr("ENTEtablissementContrat", "PU")
	w.attr("postOfficeBox")
	w.attr("street")
	w.attr("postalCode", s.PostalCode)
	w.attr("l", s.City)
	w.attr("telephoneNumber", s.Phone)
	w.attr("facsimileTelephoneNumber")
	w.attr("ENTEtablissementStructRattachFctl")
	w.attr("ENTEtablissementBassin")
	w.attr("ENTServAcAcademie", s.Academy)
	var classes, groups []string
	if w.later {
		for _, d := range s.Classes {
			classes = append(classes, d.Code+"$"+d.Label+"$10010012110")
		}
		for _, d := range s.Groups {
			groups = append(groups, d.Code+"$"+d.Label)
		}
	}
	w.attr("ENTStructureClasses", classes...)
	w.attr("ENTStructureGroupes", groups...)
	w.end()
}

func packed(places []aaf.Place, after ...string) []string {
	var out []string
	for _, p := range places {
		out = append(out, strings.Join(append([]string{p.SchoolKey, p.Code}, after...), "$"))
	}
	return out
}

func (w *writer) staff(s aaf.Staff) {
	w.begin("categoriePersonne", "PersEducNat", s.Key)
	w.attr("ENTPersonJointure", s.Key)
	w.attr("ENTPersonDateNaissance", "07/08/1967")
	w.attr("ENTPersonNomPatro", s.Last)
	w.attr("sn", s.Last)
	w.attr("givenName", s.First)
	w.attr("personalTitle", s.Title)
	w.attr("mail", s.Email)
	w.attr("ENTPersonStructRattach", s.Schools...)
	w.attr("ENTAuxEnsCategoDiscipline")
	w.attr("ENTAuxEnsDisciplinesPoste")
	w.attr("ENTAuxEnsMEF")
	w.attr("ENTAuxEnsMatiereEnseignEtab")
	// The real export repeats a class for each subject taught in it.
	w.attr("ENTAuxEnsClasses", append(packed(s.Classes), packed(s.Classes)...)...)
	w.attr("ENTAuxEnsGroupes", packed(s.Groups)...)
	w.attr("ENTAuxEnsClassesMatieres", packed(s.Classes, "020700")...)
	w.attr("ENTAuxEnsGroupesMatieres", packed(s.Groups, "020700")...)
	w.attr("ENTAuxEnsClassesPrincipal", packed(s.Principal)...)
	var functions []string
	for _, f := range s.Functions {
		functions = append(functions, strings.Join([]string{f.SchoolKey, f.Code, f.Label, "L0202", "LETTRES MODERNES"}, "$"))
	}
	w.attr("ENTPersonFonctions", functions...)
	teaches := "N"
	if s.Teaches {
		teaches = "O"
	}
	w.attr("PersEducNatPresenceDevantEleves", teaches)
	w.end()
}

func (w *writer) guardian(a aaf.Guardian) {
	w.begin("categoriePersonne", "PersRelEleve", a.Key)
	w.attr("ENTPersonJointure", a.Key)
	w.attr("ENTPersonDateNaissance")
	w.attr("ENTPersonNomPatro", a.Last)
	w.attr("sn", a.Last)
	w.attr("givenName", a.First)
	w.attr("personalTitle", a.Title)
	w.attr("homePhone", a.HomePhone)
	w.attr("telephoneNumber", a.WorkPhone)
	w.attr("ENTPersonAdresse", "12 RUE DES TILLEULS$BATIMENT B")
	w.attr("ENTPersonCodePostal", "99000")
	w.attr("ENTPersonVille", towns[len(a.Key)%len(towns)])
	w.attr("ENTPersonPays", "FRANCE")
	if w.later {
		w.attr("ENTPersonAdresseDiffusion", "N")
		w.attr("mobile", a.Mobile)
		w.attr("mail", a.Email)
		w.attr("ENTPersonMobileSMS", a.SMSMobile)
	}
	w.end()
}

func (w *writer) pupil(p aaf.Pupil) {
	var parents, fathers, mothers, legal, raw []string
	var others [][2]string
	for _, l := range p.Links {
		raw = append(raw, l.Raw)
		switch l.Kinship {
		case "1", "20":
			parents, fathers = append(parents, l.GuardianKey), append(fathers, l.GuardianKey)
		case "2", "10":
			parents, mothers = append(parents, l.GuardianKey), append(mothers, l.GuardianKey)
		default:
			quality := "CONTACT"
			if l.Financial == "1" {
				quality = "FINANCIER"
			}
			others = append(others, [2]string{l.GuardianKey, quality})
		}
		if l.LegalRepresentative() {
			legal = append(legal, l.GuardianKey)
		}
	}
	others = append(others, [2]string{}, [2]string{})
	w.begin("categoriePersonne", "Eleve", p.Key)
	w.attr("ENTPersonJointure", p.Key)
	w.attr("ENTEleveStructRattachId", fmt.Sprint(len(p.Key)*100_000))
	w.attr("ENTPersonDateNaissance", p.Born[8:]+"/"+p.Born[5:7]+"/"+p.Born[:4])
	w.attr("ENTPersonNomPatro", p.Last)
	w.attr("sn", p.Usual)
	w.attr("givenName", p.First)
	w.attr("ENTPersonAutresPrenoms", p.First, "Dominique")
	w.attr("personalTitle", p.Title)
	w.attr("ENTEleveParents", parents...)
	w.attr("ENTElevePere", fathers...)
	w.attr("ENTEleveMere", mothers...)
	w.attr("ENTEleveAutoriteParentale", legal...)
	w.attr("ENTElevePersRelEleve1", others[0][0])
	w.attr("ENTEleveQualitePersRelEleve1", others[0][1])
	w.attr("ENTElevePersRelEleve2", others[1][0])
	w.attr("ENTEleveQualitePersRelEleve2", others[1][1])
	w.attr("ENTElevePersRelEleve", raw...)
	w.attr("ENTEleveBoursier", "N")
	w.attr("ENTEleveRegime", p.Regime)
	w.attr("ENTEleveTransport", "N")
	w.attr("ENTEleveStatutEleve", p.Status)
	w.attr("ENTEleveMEF", "10010012110")
	w.attr("ENTEleveLibelleMEF", p.Grade)
	w.attr("ENTEleveNivFormation", p.Grade)
	w.attr("ENTEleveFiliere", p.Grade)
	w.attr("ENTEleveEnseignements", "FRANCAIS", "MATHEMATIQUES", "ANGLAIS LV1", "ARTS & CULTURE")
	w.attr("ENTEleveCodeEnseignements", "020700", "061300", "030201", "090100")
	w.attr("ENTPersonStructRattach", p.SchoolKey)
	w.attr("ENTEleveClasses", packed(p.Classes)...)
	w.attr("ENTEleveGroupes", packed(p.Groups)...)
	if w.later {
		w.attr("mobile", p.Mobile)
	}
	w.end()
}
