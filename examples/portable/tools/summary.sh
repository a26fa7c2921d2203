# Least, mean and greatest reading of each station, with as many decimal places as the first argument says.
LC_ALL=C awk -F, -v "form=%s least %.$1f mean %.$1f greatest %.$1f\n" '
    function tell() { if (n) printf form, station, least, sum / n, greatest }
    $1 != station { tell(); station = $1; n = sum = 0; least = greatest = $3 }
    { n++; sum += $3; if ($3 < least) least = $3; if ($3 > greatest) greatest = $3 }
    END { tell() }
'
