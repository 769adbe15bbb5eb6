// Package table reads tables whose form a specification fixes, row by row: CSV in UTF-8,
// with commas, semicolons or tabs, every row as wide as the header.
//
// Its promise: a row is handed over exactly as it stands in the file, with its line, or
// the file is refused with the line and what to do. Whatever the size of the file it
// holds one row at a time; a cell, a row, a number of columns or of rows that no school
// has ends the reading. It knows nothing of what the cells mean.
package table

import "github.com/preau-ent/preau/internal/directory/internal/intake"

// Limits of what a table may hold.
const (
	MaxCell    = 16 << 10  // bytes
	MaxRow     = 256 << 10 // bytes of one row, quotes and delimiters included
	MaxColumns = 400
	MaxRows    = 2_000_000
)

var (
	whyEmpty     = intake.Why("fichier vide : demandez une nouvelle extraction", "empty file: ask for a new export")
	whyUTF16     = intake.Why("encodage UTF-16 ou UTF-32, que Préau ne lit pas : enregistrez le fichier en CSV UTF-8", "UTF-16 or UTF-32 encoding, which Préau does not read: save the file as CSV in UTF-8")
	whyArchive   = intake.Why("ce n'est pas un texte mais une archive ou un classeur : enregistrez la feuille en CSV UTF-8", "this is no text but an archive or a workbook: save the sheet as CSV in UTF-8")
	whyBadUTF8   = intake.Why("l'octet 0x%02X n'est pas de l'UTF-8 : enregistrez le fichier en UTF-8", "byte 0x%02X is not UTF-8: save the file in UTF-8")
	whyControl   = intake.Why("caractère de contrôle 0x%02X : le fichier est abîmé, demandez une nouvelle extraction", "control character 0x%02X: the file is damaged, ask for a new export")
	whyLongCell  = intake.Why("cellule de plus de %d octets : le fichier est abîmé, ou un guillemet n'est pas fermé", "cell of more than %d bytes: the file is damaged, or a quotation mark is not closed")
	whyLongRow   = intake.Why("ligne de plus de %d Kio : le fichier est abîmé", "row of more than %d KiB: the file is damaged")
	whyColumns   = intake.Why("plus de %d colonnes : le fichier est abîmé", "more than %d columns: the file is damaged")
	whyRows      = intake.Why("plus de %d lignes : aucune école n'en a tant", "more than %d rows: no school has so many")
	whyQuote     = intake.Why("texte après un guillemet fermant : le fichier est abîmé, enregistrez-le de nouveau en CSV", "text after a closing quotation mark: the file is damaged, save it as CSV again")
	whyOpenQuote = intake.Why("guillemet ouvert et jamais fermé : le fichier est tronqué, copiez-le de nouveau ou demandez une nouvelle extraction", "quotation mark opened and never closed: the file is truncated, copy it again or ask for a new export")
	whyShortRow  = intake.Why("ligne de %d cellules sous un en-tête de %d : le fichier est tronqué ou abîmé, demandez une nouvelle extraction", "row of %d cells below a header of %d: the file is truncated or damaged, ask for a new export")
	whyLongerRow = intake.Why("ligne de %d cellules sous un en-tête de %d : un texte contient sans doute le séparateur ; enregistrez le fichier de nouveau en CSV", "row of %d cells below a header of %d: a text probably holds the delimiter; save the file as CSV again")
)
