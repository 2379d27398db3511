package program

import "strings"

// Scrub replaces secrets in text by ***. Where text was cut (CutMark), the end of one may be left behind the mark, and the
// beginning of one before it: those are taken out as well.
func Scrub(text string, secrets []string) string {
	pieces := strings.Split(text, CutMark)
	for i, piece := range pieces {
		hidden := make([]bool, len(piece))
		for _, secret := range secrets {
			hide(hidden, piece, secret, i > 0, i < len(pieces)-1)
		}
		pieces[i] = blank(piece, hidden)
	}
	return strings.Join(pieces, CutMark)
}

// hide marks the bytes of piece that belong to secret: wherever it stands, also where it overlaps another, and what the
// cuts before and behind piece have left of it.
func hide(hidden []bool, piece, secret string, cutBefore, cutBehind bool) {
	mark := func(from, to int) {
		for i := from; i < to; i++ {
			hidden[i] = true
		}
	}
	if secret == "" {
		return
	}
	for from := 0; ; {
		at := strings.Index(piece[from:], secret)
		if at < 0 {
			break
		}
		mark(from+at, from+at+len(secret))
		from += at + 1
	}
	if cutBefore && cutBehind && strings.Contains(secret, piece) {
		mark(0, len(piece))
	}
	for n := min(len(secret)-1, len(piece)); n > 0; n-- {
		if cutBefore && strings.HasPrefix(piece, secret[len(secret)-n:]) {
			mark(0, n)
		}
		if cutBehind && strings.HasSuffix(piece, secret[:n]) {
			mark(len(piece)-n, len(piece))
		}
	}
}

// blank writes *** in place of each run of hidden bytes.
func blank(text string, hidden []bool) string {
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			b.WriteByte(text[i])
		case i == 0 || !hidden[i-1]:
			b.WriteString("***")
		}
	}
	return b.String()
}
