package config

import (
	"slices"
	"strings"
	"testing"
)

func TestDotenv(t *testing.T) {
	for _, row := range []struct {
		name, text string
		want       []string // NAME=value
		faults     []string // "line: words"
	}{
		{"plain", "A=1\nB=two words\n", []string{"A=1", "B=two words"}, nil},
		{"blanks and comments", "\n# c\n  A = 1  # behind\nB=x#y\n", []string{"A=1", "B=x#y"}, nil},
		{"export", "export A=1\nexported=2\n", []string{"A=1", "exported=2"}, nil},
		{"empty", "A=\nB=''\nC= # nothing\n", []string{"A=", "B=", "C="}, nil},
		{"single quotes hold everything", `A='a "b" \n $C # d' # e`, []string{`A=a "b" \n $C # d`}, nil},
		{"double quotes", `A="a\nb\t\"c\" \$D \\ 'e' #f"`, []string{"A=a\nb\t\"c\" $D \\ 'e' #f"}, nil},
		{"several lines", "A=\"one\ntwo\"\nB=3\n", []string{"A=one\ntwo", "B=3"}, nil},
		{"nothing is expanded", "A=$HOME ${HOME} $(id) `id`\n", []string{"A=$HOME ${HOME} $(id) `id`"}, nil},
		{"Windows", "\ufeffA=1\r\nB=\"2\"\r\n\r\n", []string{"A=1", "B=2"}, nil},
		{"no line end", "A=1", []string{"A=1"}, nil},
		{"equals in the value", "A=b=c==\n", []string{"A=b=c=="}, nil},
		{"faults are told all", "1A=2\nB\nC=3\nD=\"x\" y\n", []string{"C=3"}, []string{"1: does not begin", "2: B is not followed", "4: D has something behind"}},
		{"not closed", "A='x\nB=2\n", []string{"B=2"}, []string{"1: A has a quote"}},
		{"twice", "A=1\nA=2\n", []string{"A=1"}, []string{"2: A stands twice"}},
		{"unknown escape", `A="\x41"`, nil, []string{"1: A has an escape"}},
		{"NUL", "A=\"\x00\"\n", nil, []string{"1: A has a NUL"}},
		{"line of a fault after several lines", "A='1\n2\n3'\nB\n", []string{"A=1\n2\n3"}, []string{"4: B is"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			vars, faults := parseDotenv(row.text)
			var got []string
			for _, v := range vars {
				got = append(got, v.name+"="+v.value)
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("reads %q, not %q", got, row.want)
			}
			if len(faults) != len(row.faults) {
				t.Fatalf("faults %v, not %v", faults, row.faults)
			}
			for i, f := range faults {
				line, words, _ := strings.Cut(row.faults[i], ": ")
				if string(rune('0'+f.line)) != line || !strings.HasPrefix(f.what, words) {
					t.Errorf("fault %v, not %s", f, row.faults[i])
				}
			}
		})
	}
}

// FuzzDotenv: any text is read to its end without harm, a name is a name, and a
// value that we quote ourselves is read as it was.
func FuzzDotenv(f *testing.F) {
	for _, seed := range []string{"A=1\n", "export A='x'\n", "A=\"\\n\"#c", "A='\n\n'\nB=2", "=\n", "A==\r\n", "A=\\", "A=\"\\", "\ufeff#", "A='", "export ", "export=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vars, faults := parseDotenv(text)
		lines := strings.Count(text, "\n") + 1
		for _, v := range vars {
			if v.name == "" || strings.ContainsAny(v.name, "= \n#") || strings.Contains(v.value, "\x00") || v.line < 1 || v.line > lines {
				t.Errorf("reads %+v", v)
			}
		}
		for _, f := range faults {
			if f.line < 1 || f.line > lines {
				t.Errorf("fault %+v of %d lines", f, lines)
			}
		}
		if strings.Contains(text, "\x00") {
			return
		}
		quoted := "A=\"" + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + "\"\nB=1\n"
		again, faults := parseDotenv(quoted)
		if len(again) != 2 || len(faults) != 0 || again[0].value != text {
			t.Errorf("%q is read as %+v, %v", quoted, again, faults)
		}
	})
}
