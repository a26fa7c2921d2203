// Command convert reads lines of "value from to" and answers each with one line.
package main

import (
	"bufio"
	"math"
	"os"
	"strconv"
	"strings"

	"polyglot/units"
)

// answer gives six digits after the point, rounded by arithmetic that every language shares.
func answer(x float64) string {
	size := math.Abs(x)
	if size > 9e9 {
		return "too large"
	}
	// The conversion keeps the compiler from fusing product and sum where the processor could (arm64).
	micro := int64(float64(size*1e6) + 0.5)
	digits := strconv.FormatInt(1000000+micro%1000000, 10)[1:]
	text := strconv.FormatInt(micro/1000000, 10) + "." + digits
	if x < 0 && micro > 0 {
		return "-" + text
	}
	return text
}

func convert(value, from, to string) string {
	a, known := units.ByName[from]
	b, alsoKnown := units.ByName[to]
	if !known || !alsoKnown {
		return "unknown unit"
	}
	if a.Quantity != b.Quantity {
		return "no way from " + a.Quantity + " to " + b.Quantity
	}
	amount, err := strconv.ParseFloat(value, 64)
	if err != nil {
		panic(err)
	}
	return answer((amount+a.Offset)*a.Factor/b.Factor - b.Offset)
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) == 3 {
			out.WriteString(convert(words[0], words[1], words[2]) + "\n")
		}
	}
}
