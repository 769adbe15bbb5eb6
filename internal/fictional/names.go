package fictional

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The lists are combined at random. They leave out names that, put together, would be
// those of somebody known.

type names struct{ girls, boys, women, men, last []string }

func girls() []string {
	return strings.Split("Abigaïl,Adélie,Aïcha,Alicia,Aliénor,Alix,Amina,Anaé,Anissa,Anna,Anouk,Apolline,Aurore,Awa,Axelle,Aya,Bérénice,Blandine,Capucine,Cassandre,Célia,Charlotte,Chiara,Chloé,Coralie,Daphné,Diane,Dounia,Élina,Élisa,Élise,Éloïse,Emma,Ève,Fanta,Fatima,Flavie,Flora,Gabrielle,Giulia,Hanaé,Hawa,Héloïse,Iman,Inaya,Inès,Iris,Jade,Jasmine,Jeanne,Joséphine,Judith,Khadija,Kenza,Lana,Laura,Lila,Lilou,Lina,Linh,Lise,Loane,Lola,Lou,Lou-Anne,Louise,Lucie,Luna,Maëlle,Maëlys,Mai,Malak,Manel,Margaux,Margot,Mariam,Marie-Lou,Mathilde,Maya,Mélina,Mila,Mina,Myriam,Nina,Ninon,Noémie,Nora,Océane,Olympe,Ornella,Oumou,Perrine,Rania,Romane,Rose,Roxane,Salma,Salomé,Sarah,Selma,Shirine,Solène,Sophia,Suzanne,Thaïs,Tiphaine,Victoire,Violette,Wendy,Yasmine,Ysé,Zoé,Zélie", ",")
}

func boys() []string {
	return strings.Split("Aaron,Abel,Achille,Adem,Adrien,Ahmed,Alban,Alexis,Amine,Anatole,Andréas,Anis,Aristide,Armand,Aurélien,Axel,Ayoub,Baptiste,Basile,Bilal,Brice,Cédric,Célestin,Clovis,Corentin,Côme,Cyprien,Dario,Diego,Donatien,Édouard,Élie,Éliott,Eliot,Emre,Enzo,Étienne,Ewen,Ézéchiel,Félix,Ferdinand,Florian,Gaëtan,Gaspard,Gauthier,Grégoire,Gustave,Hakim,Hamza,Hippolyte,Idriss,Ilyès,Imran,Isaac,Ismaël,Issa,Jean-Baptiste,Joachim,Jonas,Joris,Kaïs,Kenan,Kévin,Khalil,Killian,Léandre,Léo,Léon-Paul,Loïc,Loris,Lorenzo,Loup,Maël,Malo,Marceau,Marin,Marius,Mathéo,Mathis,Maxence,Mehdi,Milan,Milo,Mohamed,Naël,Nathan,Noa,Noé,Nolan,Octave,Oscar,Owen,Paul-Émile,Pierre-Louis,Rafael,Rayan,Rémi,Robin,Roméo,Sacha,Samuel,Sandro,Siméon,Soan,Soufiane,Tao,Théodore,Tiago,Timéo,Timothée,Titouan,Tom,Tristan,Ulysse,Valentin,Victor,Wassim,William,Yanis,Yann,Youssef,Zacharie", ",")
}

func women() []string {
	return strings.Split("Adeline,Agnès,Aminata,Anne-Laure,Anne-Sophie,Angélique,Assia,Aurélie,Aude,Béatrice,Bénédicte,Carine,Caroline,Cécile,Céline,Chantal,Christelle,Claire,Clémence,Corinne,Dalila,Delphine,Djamila,Édith,Élodie,Emmanuelle,Estelle,Fabienne,Farida,Fatoumata,Florence,Frédérique,Gaëlle,Géraldine,Graziella,Habiba,Hélène,Houria,Ingrid,Jennifer,Joëlle,Julie,Karine,Katia,Laetitia,Laurence,Leïla,Ludivine,Magali,Malika,Marie-Claire,Marie-Hélène,Marlène,Mélanie,Meriem,Monique,Myriam,Naïma,Nathalie,Noura,Olivia,Pascale,Patricia,Priscilla,Rachel,Rosalie,Sabrina,Samira,Sandra,Sévérine,Siham,Solange,Sonia,Soraya,Stéphanie,Sylvie,Thi Lan,Valérie,Vanessa,Véronique,Virginie,Yolande,Zohra", ",")
}

func men() []string {
	return strings.Split("Abdelkader,Abdou,Alain,Alexandre,Arnaud,Aziz,Benoît,Boris,Bertrand,Cédric,Christophe,Cyril,Damien,Denis,Didier,Dominique,Éric,Fabrice,Farid,Ferhat,Franck,Frédéric,Gaël,Georges,Gilles,Grégory,Guillaume,Habib,Hassan,Hervé,Igor,Jean-Marc,Jean-Philippe,Jérôme,Joaquim,Jonathan,Joseph,Julien,Khaled,Lamine,Laurent,Loïc,Ludovic,Manuel,Marc,Mathieu,Maxime,Mourad,Mustapha,Nicolas,Olivier,Osman,Pascal,Patrice,Philippe,Pierre-Yves,Rachid,Régis,Rémy,Rodolphe,Ronan,Saïd,Samuel,Sébastien,Serge,Stéphane,Sylvain,Tarek,Thierry,Tony,Ulrich,Vincent,Walid,Xavier,Yannick,Yves,Zoltan", ",")
}

func lastNames() []string {
	return strings.Split("Abadie,Achour,Adjovi,Aguirre,Aït Ouali,Albertini,Allard,Amrani,Andriamanana,Antunes,Arnoux,Attali-Brun,Aubertin,Auvray,Ayadi,Azevedo,Bachelet-Roche,Bakayoko,Balan,Barbosa,Barrault,Baudry,Bazin,Beaufils,Bekkouche,Belhadj,Bellanger,Benamar,Benoist,Berthelot,Besnard,Bidault,Bocquet,Boissière,Bonnafous,Bouazza,Boucher,Boudjemaa,Bouquet,Boutin,Brunel,Bui,Cadiou,Caillaud,Cardoso,Carlier,Caron,Castagnet,Cazenave,Chabert,Chauvet,Cherifi,Chevallier,Cissé,Colas,Combes,Cordier,Coulibaly,Courtois,Cousin,Da Rocha,Dahmani,Danjou,D'Almada,D'Hérouël,Daubresse,De Brito,De Kermel,De La Bruyante,Delattre,Delcourt,Delmas,Demir,Desmoulins,Devaux,Diakité,Diop-Faye,Djebbar,Do Carmo,Doucet,Drouet,Du Parcq,Dubreuil,Duchesne,Dufour,Dumoulin-Rey,Duval,El Amrani,El Mansouri,Esnault,Estève,Evrard,Fabre-Lima,Favreau,Ferri,Fontanel,Foucault-Ney,Fouquet,Gaillard,Gautreau,Georget,Ghezzi,Gicquel,Gilbert,Gosselin,Goubert,Grandjean,Grondin,Guegan,Guérin,Guillot,Guyot,Haddad,Hamidi,Hamelin,Hébrard,Huet,Imbert,Jacquet,Jaouen,Joly,Josselin,Kaboré,Kaplan,Karaca,Kerbrat,Kervella,Khelifi,Kieffer,Kouassi,Kovačević,Kowalczyk,Labbé,Lacombe,Lagrange,Lahaye,Lambert,Lamy,Larcher-Bois,Laroche,Lavigne,Le Bihan,Le Floc'h,Le Gall,Le Guen,L'Hostis,Lebreton,Leconte,Lefort,Lejeune,Lelièvre,Lemonnier,Lopès,Loubet,Lucas-Picard,Maillard,Mallet,Mansour,Marques,Masson,Matos,Mauger,Mbaye,Mebarki,Mercier,Meunier,Mokhtari,Monnier,Morvan,Mukendi,N'Dongo,N'Guessan,Naudin,Nguyen,Niang,Nicolle,O'Reilly,Ollivier,Öztürk,Ouattara,Ouedraogo,Pacheco,Paillard,Parmentier,Payet,Perrault-Sow,Peyre,Pham,Picard,Pichon,Pinheiro,Poirier,Poulain,Prévost,Quéméner,Rabearivelo,Rahmani,Rambaud,Raynaud,Rebelo,Renaudin,Reynaud,Rigaud,Rivière,Robinet,Rochefort,Rodrigues,Romero,Rossignol,Roumégous,Saadi,Sabatier,Sahraoui,Saïdi,Sangaré,Santos,Sauvage,Savary,Schmitt,Şahin,Seguin,Serrano,Simonet,Sivakumar,Soares,Soulier,Tahiri,Tavares,Tessier,Thévenet,Tisserand,Toussaint,Touré,Tran,Urbain,Vallet,Vasseur,Verdier,Vernet,Vidal,Viguier,Villeneuve,Vo,Voisin,Weber,Wojcik,Yıldız,Zaoui,Zerrouki,Ziegler", ",")
}

// plain writes a name in letters that any mail system takes: "Le Floc'h" is "lefloch".
func plain(name string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(name)) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			b.WriteRune(r)
		case r == 'ı':
			b.WriteByte('i')
		case r == 'œ':
			b.WriteString("oe")
		case unicode.IsLetter(r):
			b.WriteByte('x')
		}
	}
	return b.String()
}

// identifier is what a person signs in with.
func identifier(first, last string) string { return plain(first) + "." + plain(last) }
