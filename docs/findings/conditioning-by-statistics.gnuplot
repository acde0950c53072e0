# gnuplot conditioning-by-statistics.gnuplot   draws conditioning-by-statistics.svg and conditioning-by-statistics.png from conditioning-by-statistics.csv
set datafile separator ','
set terminal unknown
set key autotitle columnhead top left
set grid ytics
set xrange [-0.5:*]
set title 'simzrr, a simulated stand-in: trained on patches of 64, shown whole frames'
set ylabel 'PSNR, dB (95 % intervals over seeds), by where statistics are from'
set offsets 0,0.5,graph 0.25,graph 0.05
plot 'conditioning-by-statistics.csv' using 0:'frame':xtic(1) with points ps 0 notitle, \
  'conditioning-by-statistics.csv' using (column(0)+-0.18):'frame':'frame_interval' with yerrorbars lw 2 pt 5 title 'frame', \
  'conditioning-by-statistics.csv' using (column(0)+-0.06):'window':'window_interval' with yerrorbars lw 2 pt 7 title 'window', \
  'conditioning-by-statistics.csv' using (column(0)+0.06):'window_mean':'window_mean_interval' with yerrorbars lw 2 pt 9 title 'mean over windows', \
  'conditioning-by-statistics.csv' using (column(0)+0.18):'thumbnail':'thumbnail_interval' with yerrorbars lw 2 pt 11 title 'thumbnail'
set terminal svg size 900,600 dynamic background 'white'
set output 'conditioning-by-statistics.svg'
replot
set terminal pngcairo size 1800,1200 fontscale 1.9 linewidth 2
set output 'conditioning-by-statistics.png'
replot
