# gnuplot develop-16-bottleneck-photos.gnuplot   draws develop-16-bottleneck-photos.svg and develop-16-bottleneck-photos.png from develop-16-bottleneck-photos.csv
set datafile separator ','
set terminal unknown
set key autotitle columnhead
set key off
set title 'hidden activations of bottleneck: a point a photo, its size the noise' noenhanced
set xlabel 'first component, 82 % of the variance'
set ylabel 'second component, 14 %'
set grid
set cblabel 'log2 of the mean light'
set palette defined (0 'dark-violet', 1 'orange', 2 'gold')
set offsets graph 0.05,graph 0.2,graph 0.05,graph 0.05
stats 'develop-16-bottleneck-photos.csv' using 'noise' name 'N' nooutput
size(n) = N_max > N_min ? 0.6 + 1.8*(n-N_min)/(N_max-N_min) : 1
plot 'develop-16-bottleneck-photos.csv' using 'first':'second':(size(column('noise'))):'light' with points pt 7 ps variable lc palette, 'develop-16-bottleneck-photos.csv' using 'first':'second':'photo' with labels left offset 0.8,0 font ',8' noenhanced
set terminal svg size 900,600 dynamic background 'white'
set output 'develop-16-bottleneck-photos.svg'
replot
set terminal pngcairo size 1800,1200 fontscale 1.9 linewidth 2
set output 'develop-16-bottleneck-photos.png'
replot
