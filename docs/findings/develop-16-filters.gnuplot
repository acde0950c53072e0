# gnuplot develop-16-filters.gnuplot   draws develop-16-filters.svg and develop-16-filters.png from develop-16-filters.csv
set datafile separator ','
set terminal unknown
set key autotitle columnhead off
set title 'filters of down1.conv2 (rows: outputs, columns: inputs)' noenhanced
set size ratio -1
unset xtics
unset ytics
set yrange [*:*] reverse
unset border
set palette defined (-1 'blue', 0 'white', 1 'red')
set cbrange [-0.53675324:0.53675324]
set label 'bsds_101085-iso100.dng' at 0,-2 left noenhanced
set label 'bsds_101085-iso6400.dng' at 50,-2 left noenhanced
set label 'second - first times 27' at 100,-2 left noenhanced
plot 'develop-16-filters.csv' using 'x':'y':(0.5):(0.5):'value' with boxxyerror fs solid noborder lc palette
set terminal svg size 900,600 dynamic background 'white'
set output 'develop-16-filters.svg'
replot
set terminal pngcairo size 1800,1200 fontscale 1.9 linewidth 2
set output 'develop-16-filters.png'
replot
